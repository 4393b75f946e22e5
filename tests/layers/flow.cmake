sluice_unit_test(flow flow)
sluice_fuzz_target(flow flow)
