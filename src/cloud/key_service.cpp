#include "cloud/key_service.hpp"

namespace domicile::cloud {

std::string bound_to(std::string_view begin, const EncryptionContext& context) {
    std::string text(begin);
    for (const auto& [name, value] : context) {
        text += ";" + std::to_string(name.size()) + ":" + name + std::to_string(value.size()) + ":" + value;
    }
    return text;
}

}  // namespace domicile::cloud
