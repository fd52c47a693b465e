#pragma once
// A value that must not reach a log, an error text or a format string: it has no formatter and no comparison,
// and wipes its bytes when it goes.

#include <cstring>
#include <string>
#include <utility>

namespace domicile::base {

template <class T>
class Secret;

template <>
class Secret<std::string> {
  public:
    Secret() = default;
    explicit Secret(std::string value) : value_(std::move(value)) {}
    Secret(const Secret&) = default;
    Secret(Secret&& other) noexcept : value_(std::move(other.value_)) { other.wipe(); }
    Secret& operator=(const Secret& other) {
        if (this != &other) {
            wipe();
            value_ = other.value_;
        }
        return *this;
    }
    Secret& operator=(Secret&& other) noexcept {
        if (this != &other) {
            wipe();
            value_ = std::move(other.value_);
            other.wipe();
        }
        return *this;
    }
    ~Secret() { wipe(); }

    /// The bytes themselves. Valid until this object changes. Each call is a place to review.
    [[nodiscard]] const std::string& reveal() const noexcept { return value_; }
    [[nodiscard]] bool empty() const noexcept { return value_.empty(); }

  private:
    void wipe() noexcept {
        if (!value_.empty()) {
            explicit_bzero(value_.data(), value_.size());
        }
        value_.clear();
    }

    std::string value_;
};

}  // namespace domicile::base
