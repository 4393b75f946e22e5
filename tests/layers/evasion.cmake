# The evasion cases of the lab, as captures through `sluiced replay`.
add_test(NAME replay.evasion
  COMMAND ${CMAKE_SOURCE_DIR}/tests/replay/evasion $<TARGET_FILE:sluiced>)
set_tests_properties(replay.evasion PROPERTIES LABELS replay TIMEOUT 300)
