# FILE to OUT: one C++ source that holds it.
file(READ ${FILE} text)
file(WRITE ${OUT} "#include \"cost/prices.hpp\"\n\nnamespace domicile::cost {\n\nstd::string_view built_in_prices() {\n    return R\"prices(${text})prices\";\n}\n\n}  // namespace domicile::cost\n")
