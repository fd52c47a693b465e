#include "base/buffer.hpp"

#include <algorithm>

namespace domicile::base {

void Buffer::grow(std::size_t count) {
    const std::size_t used = size();
    if (capacity_ - used >= count && begin_ >= capacity_ / 2) {
        // Moving at most half of the capacity once per half of it consumed keeps this amortised constant.
        std::memmove(data_.get(), data_.get() + begin_, used);
    } else {
        const std::size_t grown = std::max({used + count, capacity_ * 2, std::size_t{1024}});
        auto data = std::make_unique_for_overwrite<char[]>(grown);
        if (used != 0) {
            std::memcpy(data.get(), data_.get() + begin_, used);
        }
        data_ = std::move(data);
        capacity_ = grown;
    }
    begin_ = 0;
    end_ = used;
}

}  // namespace domicile::base
