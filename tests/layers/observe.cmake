sluice_unit_test(observe observe)
