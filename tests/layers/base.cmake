sluice_unit_test(base base)
