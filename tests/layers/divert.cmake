sluice_unit_test(divert divert)
