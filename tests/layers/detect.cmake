sluice_unit_test(detect detect)
