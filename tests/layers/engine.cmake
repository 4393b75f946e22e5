sluice_unit_test(pipeline engine)
sluice_unit_test(restart engine)
sluice_unit_test(replay engine)
sluice_fuzz_target(capture engine)
