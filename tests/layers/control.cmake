sluice_unit_test(control control)
sluice_fuzz_target(control control)
