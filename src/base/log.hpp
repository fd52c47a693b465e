#pragma once
// Structured log lines: `event key=value`. One sink per process (stderr or a file). Thread-safe.
// Never SQL text, parameters, row values or secrets; user ids only at debug.

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace domicile::base::log {

enum class Level : std::uint8_t { debug, info, warn, error };

/// One key with a text or a number.
struct Field {
    std::string_view key;
    std::string_view text;
    std::int64_t number = 0;
    bool is_number = false;

    constexpr Field(std::string_view name, std::string_view value) : key(name), text(value) {}
    constexpr Field(std::string_view name, const char* value) : key(name), text(value) {}
    constexpr Field(std::string_view name, std::int64_t value) : key(name), number(value), is_number(true) {}
    constexpr Field(std::string_view name, std::uint64_t value)
        : key(name), number(static_cast<std::int64_t>(value)), is_number(true) {}
    constexpr Field(std::string_view name, int value) : key(name), number(value), is_number(true) {}
    constexpr Field(std::string_view name, unsigned value) : key(name), number(value), is_number(true) {}
};

/// `level` as in the file of limits: debug = steps, info = life events, warn = degraded, error = a person
/// should look.
void set_level(Level level) noexcept;
[[nodiscard]] bool enabled(Level level) noexcept;

void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void debug(std::string_view event, std::initializer_list<Field> fields = {}) {
    if (enabled(Level::debug)) {
        write(Level::debug, event, fields);
    }
}
inline void info(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::info, event, fields);
}
inline void warn(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::warn, event, fields);
}
inline void error(std::string_view event, std::initializer_list<Field> fields = {}) {
    write(Level::error, event, fields);
}

}  // namespace domicile::base::log
