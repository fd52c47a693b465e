#pragma once
// Names and addresses for people whose source holds none. The same key gives the same person; none of them
// exists.

#include <string>
#include <string_view>

namespace domicile::load {

[[nodiscard]] std::string invented_name(std::string_view key);
/// In a domain that can receive no mail (RFC 2606).
[[nodiscard]] std::string invented_email(std::string_view key);

}  // namespace domicile::load
