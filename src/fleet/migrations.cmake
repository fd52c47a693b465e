# Embeds schema/shard/*.sql and schema/central/*.sql into the fleet, so that the binary needs no files beside it.
set(embedded_source ${CMAKE_BINARY_DIR}/generated/fleet/embedded_migrations.cpp)
file(GLOB embedded_files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/schema/shard/*.sql ${CMAKE_SOURCE_DIR}/schema/central/*.sql)
add_custom_command(OUTPUT ${embedded_source}
  COMMAND ${CMAKE_COMMAND} -DSCHEMA=${CMAKE_SOURCE_DIR}/schema -DOUT=${embedded_source}
          -P ${CMAKE_CURRENT_LIST_DIR}/embed_migrations.cmake
  DEPENDS ${embedded_files} ${CMAKE_CURRENT_LIST_DIR}/embed_migrations.cmake VERBATIM)
target_sources(domicile_fleet PRIVATE ${embedded_source})
