sluice_unit_test(pipeline engine)
