# Captures that the scripts of tests/replay make, run through sluiced itself.
foreach(part vectors benign)
  add_test(NAME replay.${part} COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/replay/run_${part} $<TARGET_FILE:sluiced>)
  set_tests_properties(replay.${part} PROPERTIES LABELS replay TIMEOUT 600)
endforeach()
