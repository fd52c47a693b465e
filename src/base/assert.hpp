#pragma once
// Assertions state what only a defect of ours can break. They stay on in release builds: a crash costs a
// second, a row in the wrong country cannot be undone. Never assert on bytes that come from outside.

namespace domicile::base {
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;
}

#define DOMICILE_ASSERT(condition) \
    ((condition) ? static_cast<void>(0) : ::domicile::base::assertion_failed(#condition, __FILE__, __LINE__))
