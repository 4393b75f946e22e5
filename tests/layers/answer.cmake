sluice_unit_test(answer answer)
