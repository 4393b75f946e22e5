sluice_unit_test(inspect inspect)
sluice_fuzz_target(expr inspect)
sluice_fuzz_target(rules inspect)
