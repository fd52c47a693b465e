#pragma once
// A stand-in for the AWS Lambda Runtime API on loopback: hands out the given events one after the other,
// keeps the answers, then closes.

#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace domicile::test_support {

class RuntimeApi {
  public:
    explicit RuntimeApi(std::vector<std::string> events);
    RuntimeApi(const RuntimeApi&) = delete;
    RuntimeApi& operator=(const RuntimeApi&) = delete;
    ~RuntimeApi();
    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// "PATH BODY" of each POST, once the function has ended.
    [[nodiscard]] const std::vector<std::string>& answers();

  private:
    void serve();
    std::vector<std::string> events_;
    std::vector<std::string> answers_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

}  // namespace domicile::test_support
