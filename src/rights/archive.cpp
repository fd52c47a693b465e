#include "rights/archive.hpp"

#include "crypto/hash.hpp"

#include <archive.h>
#include <archive_entry.h>
#include <utility>

namespace domicile::rights {

using base::Code;

struct Archive::Impl {
    std::size_t piece_bytes;
    std::function<base::Status(std::string_view)> take;
    std::string piece;
    std::uint64_t bytes = 0;
    crypto::Sha256 whole, current;
    std::string sha256;
    base::Status failed;
    bool open = false;
    std::vector<ArchivedFile> files;
    ArchivedFile now;
    struct Free {
        void operator()(::archive* one) const { ::archive_write_free(one); }
    };
    std::unique_ptr<::archive, Free> zip{::archive_write_new()};

    void put(std::string_view all) {
        whole.add(all);
        bytes += all.size();
        while (!all.empty() && failed) {
            const auto part = all.substr(0, piece_bytes - piece.size());
            piece += part;
            all.remove_prefix(part.size());
            if (piece.size() == piece_bytes) {
                failed = take(piece);
                piece.clear();
            }
        }
    }
    static la_ssize_t write(::archive* /*zip*/, void* self, const void* data, std::size_t count) {
        auto* own = static_cast<Impl*>(self);
        own->put({static_cast<const char*>(data), count});
        return own->failed ? static_cast<la_ssize_t>(count) : -1;
    }
    base::Status check(la_ssize_t code) {
        if (!failed) {
            return failed;
        }
        return code >= ARCHIVE_OK ? base::Status()
                                  : base::fail(Code::internal, "The archive cannot be written.", {},
                                               ::archive_error_string(zip.get()));
    }
};

Archive::Archive(std::size_t piece_bytes, std::function<base::Status(std::string_view)> take)
    : impl_(new Impl{piece_bytes, std::move(take), {}, 0, {}, {}, {}, {}, false, {}, {}}) {
    auto* zip = impl_->zip.get();
    ::archive_write_set_format_zip(zip);
    ::archive_write_set_bytes_in_last_block(zip, 1);
    impl_->failed = impl_->check(::archive_write_open(zip, impl_.get(), nullptr, &Impl::write, nullptr));
}

Archive::~Archive() {
    impl_->failed =
        base::fail(Code::internal, "The archive was left.");  // what is still written goes nowhere
    impl_->zip.reset();
}

base::Status Archive::begin(std::string name) {
    if (auto ended = end(); !ended) {
        return ended;
    }
    auto* entry = ::archive_entry_new();
    ::archive_entry_set_pathname_utf8(entry, name.c_str());
    ::archive_entry_set_filetype(entry, AE_IFREG);
    ::archive_entry_set_perm(entry, 0644);
    ::archive_entry_set_mtime(entry, 315'532'800, 0);  // 1980-01-01, where ZIP's calendar begins
    const auto code = ::archive_write_header(impl_->zip.get(), entry);
    ::archive_entry_free(entry);
    impl_->now = {std::move(name), {}, 0};
    impl_->open = true;
    return impl_->check(code);
}

base::Status Archive::add(std::string_view bytes) {
    impl_->current.add(bytes);
    impl_->now.bytes += bytes.size();
    while (!bytes.empty()) {
        const auto count = ::archive_write_data(impl_->zip.get(), bytes.data(), bytes.size());
        if (auto good = impl_->check(count); !good || count == 0) {
            return good ? base::fail(Code::internal, "The archive takes no more.") : good;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

base::Status Archive::file(std::string name, std::string_view bytes) {
    auto done = begin(std::move(name));
    done = done ? add(bytes) : done;
    return done ? end() : done;
}

base::Status Archive::end() {
    if (!std::exchange(impl_->open, false)) {
        return {};
    }
    impl_->now.sha256 = crypto::hex(crypto::view(impl_->current.take()));
    impl_->files.push_back(impl_->now);
    return impl_->check(::archive_write_finish_entry(impl_->zip.get()));
}

base::Status Archive::close() {
    if (auto ended = end(); !ended) {
        return ended;
    }
    if (auto closed = impl_->check(::archive_write_close(impl_->zip.get())); !closed) {
        return closed;
    }
    if (!impl_->piece.empty()) {
        impl_->failed = impl_->take(impl_->piece);
        impl_->piece.clear();
    }
    impl_->sha256 = crypto::hex(crypto::view(impl_->whole.take()));
    return impl_->failed;
}

const std::vector<ArchivedFile>& Archive::files() const {
    return impl_->files;
}

std::uint64_t Archive::bytes() const {
    return impl_->bytes;
}

const std::string& Archive::sha256() const {
    return impl_->sha256;
}

}  // namespace domicile::rights
