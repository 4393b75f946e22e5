sluice_unit_test(control control)
sluice_fuzz_target(control control)
# sluicectl itself against a server of the test's own.
sluice_unit_test(sluicectl control)
add_dependencies(check_sluicectl sluicectl)
target_compile_definitions(check_sluicectl PRIVATE SLUICECTL="$<TARGET_FILE:sluicectl>")
