#include "documents/delivery.hpp"

#include "cloud/http_call.hpp"
#include "crypto/hash.hpp"

namespace domicile::documents {
namespace {

using base::Code;

class Https final : public Delivery {
  public:
    Https(std::string url, base::Secret<std::string> token) : url_(std::move(url)), token_(std::move(token)) {
        while (url_.ends_with('/')) {
            url_.pop_back();
        }
    }

    base::Result<std::string> put(std::string_view name, std::string_view bytes) override {
        cloud::HttpCall request;
        request.method = "PUT";
        request.url = url_ + "/" + std::string(name);
        // The name says which file of which batch; the hash, that it is the same one.
        request.headers = {
            {"content-type", name.ends_with(".pdf") ? "application/pdf" : "application/octet-stream"},
            {"idempotency-key",
             crypto::hex(crypto::view(crypto::sha256(std::string(name) + "\n" + std::string(bytes))))}};
        if (!token_.reveal().empty()) {
            request.headers.emplace_back("authorization", "Bearer " + token_.reveal());
        }
        request.body = bytes;
        request.timeout = std::chrono::seconds{30};
        const auto answer = cloud::call(request);
        if (!answer) {
            return std::unexpected(answer.error());
        }
        if (answer->status < 200 || answer->status > 299) {
            return base::fail(answer->status == 409 || answer->status == 412 ? Code::precondition_failed
                                                                             : Code::node_unavailable,
                              "An institution does not take a document.", {},
                              "status " + std::to_string(answer->status));
        }
        return answer->body.substr(0, 4'096);
    }

  private:
    std::string url_;
    base::Secret<std::string> token_;
};

}  // namespace

base::Result<std::unique_ptr<Delivery>> delivery_to(Destination destination) {
    const std::string& where = destination.where;
    constexpr std::string_view directory = "directory:";
    if (where.starts_with(directory)) {
        return directory_delivery(destination.relative_to / where.substr(directory.size()));
    }
    if (where.starts_with("https://") || where.starts_with("http://127.0.0.1:") ||
        where.starts_with("http://localhost:")) {
        return std::make_unique<Https>(where, std::move(destination.credential));
    }
    if (where.starts_with("sftp://")) {
        return sftp_delivery(std::move(destination));
    }
    return base::fail(Code::configuration,
                      "There is no way to deliver to " + where.substr(0, where.find(':')) + ".",
                      "Use directory:/path, an https URL, or sftp://user@host/path.");
}

}  // namespace domicile::documents
