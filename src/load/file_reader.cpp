#include "load/file_reader.hpp"

#include <cstdio>

#include <zstd.h>

namespace domicile::load {
namespace {
constexpr std::size_t piece_bytes = 256U << 10U;
}

struct FileReader::Impl {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file{nullptr, std::fclose};
    std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream{nullptr, ZSTD_freeDStream};
    std::filesystem::path path;
    std::string in;
    std::size_t in_at = 0;
    std::uint64_t read = 0;
    std::uint64_t total = 0;
    bool frame_open = false;
};

FileReader::FileReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
FileReader::FileReader(FileReader&&) noexcept = default;
FileReader& FileReader::operator=(FileReader&&) noexcept = default;
FileReader::~FileReader() = default;

base::Result<FileReader> FileReader::open(const std::filesystem::path& path) {
    auto impl = std::make_unique<Impl>();
    impl->path = path;
    impl->file.reset(std::fopen(path.c_str(), "rb"));
    std::error_code ec;
    impl->total = std::filesystem::file_size(path, ec);
    if (!impl->file || ec) {
        return base::fail(base::Code::configuration, "The file " + path.string() + " cannot be read.",
                          "Check the path in the load file.");
    }
    if (path.extension() == ".zst") {
        impl->stream.reset(ZSTD_createDStream());
    }
    return FileReader(std::move(impl));
}

base::Status FileReader::read(std::string& out) {
    out.clear();
    const auto broken = [&] {
        return base::fail(base::Code::invalid_value,
                          "The file " + impl_->path.string() + " is damaged or ends early.");
    };
    const auto refill = [&] {
        impl_->in.resize(piece_bytes);
        impl_->in.resize(std::fread(impl_->in.data(), 1, impl_->in.size(), impl_->file.get()));
        impl_->in_at = 0;
        impl_->read += impl_->in.size();
        return !impl_->in.empty();
    };
    if (!impl_->stream) {
        refill();
        out.swap(impl_->in);
        return std::ferror(impl_->file.get()) != 0 ? base::Status(broken()) : base::Status{};
    }
    while (out.empty()) {
        if (impl_->in_at == impl_->in.size() && !refill()) {
            return impl_->frame_open || std::ferror(impl_->file.get()) != 0 ? base::Status(broken())
                                                                            : base::Status{};
        }
        out.resize(piece_bytes);
        ZSTD_inBuffer in{impl_->in.data(), impl_->in.size(), impl_->in_at};
        ZSTD_outBuffer into{out.data(), out.size(), 0};
        const std::size_t left = ZSTD_decompressStream(impl_->stream.get(), &into, &in);
        if (ZSTD_isError(left) != 0) {
            return broken();
        }
        impl_->frame_open = left != 0;
        impl_->in_at = in.pos;
        out.resize(into.pos);
    }
    return {};
}

std::uint64_t FileReader::bytes_read() const noexcept {
    return impl_->read;
}
std::uint64_t FileReader::bytes_total() const noexcept {
    return impl_->total;
}

}  // namespace domicile::load
