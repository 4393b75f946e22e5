sluice_unit_test(config config)
sluice_fuzz_target(config config)
