# Embeds the price file, so that the binary needs no file beside it.
set(prices_source ${CMAKE_BINARY_DIR}/generated/cost/built_in_prices.cpp)
set(prices_file ${CMAKE_SOURCE_DIR}/infra/prices.json)
add_custom_command(OUTPUT ${prices_source}
  COMMAND ${CMAKE_COMMAND} -DFILE=${prices_file} -DOUT=${prices_source} -P ${CMAKE_CURRENT_LIST_DIR}/embed_prices.cmake
  DEPENDS ${prices_file} ${CMAKE_CURRENT_LIST_DIR}/embed_prices.cmake VERBATIM)
target_sources(domicile_cost PRIVATE ${prices_source})
