#include "sql/tokenizer.hpp"

#include "base/limits.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>

namespace domicile::sql {
namespace {

enum class Class : std::uint8_t {
    other,
    blank,
    word,
    digit,
    quote,
    name_quote,
    dollar,
    point,
    dash,
    slash,
    semicolon,
    mark,  ///< a token by itself
    sign,  ///< part of an operator, as dash and slash are
};

constexpr std::array<Class, 256> make_classes() {
    std::array<Class, 256> classes{};
    for (std::size_t c = 0; c < 256; ++c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
        classes[c] = letter ? Class::word : c >= '0' && c <= '9' ? Class::digit : Class::other;
    }
    for (const char c : {' ', '\t', '\n', '\r', '\f'}) {
        classes[static_cast<unsigned char>(c)] = Class::blank;
    }
    for (const char c : {',', '(', ')', '[', ']', ':', '{', '}', '\\'}) {
        classes[static_cast<unsigned char>(c)] = Class::mark;
    }
    for (const char c : {'+', '*', '<', '>', '=', '~', '!', '@', '#', '%', '^', '&', '|', '`', '?'}) {
        classes[static_cast<unsigned char>(c)] = Class::sign;
    }
    classes['\''] = Class::quote;
    classes['"'] = Class::name_quote;
    classes['$'] = Class::dollar;
    classes['.'] = Class::point;
    classes['-'] = Class::dash;
    classes['/'] = Class::slash;
    classes[';'] = Class::semicolon;
    return classes;
}
constexpr auto classes = make_classes();

constexpr std::array<char, 256> make_folded() {
    std::array<char, 256> folded{};
    for (std::size_t c = 0; c < 256; ++c) {
        folded[c] = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return folded;
}
constexpr auto folded = make_folded();

/// Bytes of the shape that stand for constants: no text outside of quotes can hold them.
constexpr char slot(Literal::Form form) {
    return static_cast<char>(1 + static_cast<int>(form));
}

class Scanner {
  public:
    Scanner(std::string_view text, bool standard_strings, Tokens& tokens, char* shape)
        : text_(text), standard_strings_(standard_strings), tokens_(tokens), out_(shape), shape_(shape) {}

    /// The size of the shape, which is never longer than the text.
    std::size_t run();

  private:
    [[nodiscard]] unsigned char byte(std::size_t at) const {
        return at < text_.size() ? static_cast<unsigned char>(text_[at]) : 0;
    }
    [[nodiscard]] Class class_at(std::size_t at) const {
        return at < text_.size() ? classes[static_cast<unsigned char>(text_[at])] : Class::other;
    }
    [[nodiscard]] static bool continues_word(Class c) {
        return c == Class::word || c == Class::digit || c == Class::dollar;
    }

    /// A token begins: a blank stands before it in the shape if one did in the text.
    void begin_token() {
        if (!open_) {
            open_ = true;
            if (tokens_.statements == 0) {
                tokens_.first = static_cast<std::uint32_t>(at_);
            }
            ++tokens_.statements;
            tokens_.begin = static_cast<std::uint32_t>(at_);
        }
        ++tokens_.count;
        if (gap_) {
            *out_++ = ' ';
            gap_ = false;
        }
    }
    void fault(std::string_view words) {
        tokens_.fault = words;
        tokens_.cacheable = false;
        if (tokens_.statements == 0) {
            tokens_.statements = 1;
        }
    }
    void end_token() { tokens_.end = static_cast<std::uint32_t>(at_); }
    void literal(std::size_t from, Literal::Form form) {
        tokens_.literals.push_back(
            {static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at_ - from), form});
        *out_++ = slot(form);
        string_before_ = form == Literal::Form::string || form == Literal::Form::other;
    }

    void word();
    void number();
    void string(std::size_t from, bool escapes, bool plain, bool doubles = true);
    void quoted_name();
    void dollar();
    void parameter();
    void line_comment();
    void block_comment();
    void semicolon();
    void mark();
    void sign();

    std::string_view text_;
    bool standard_strings_;
    Tokens& tokens_;
    char* out_;
    char* shape_;
    std::size_t at_ = 0;
    std::size_t sign_end_ = 0;    ///< of the last sign
    std::size_t signs_ = 0;       ///< in the unbroken run up to there
    bool open_ = false;           ///< inside a statement that is not empty
    bool gap_ = false;            ///< blanks or comments since the last token
    bool string_before_ = false;  ///< the last token is a string: another would continue it
};

std::size_t Scanner::run() {
    while (at_ < text_.size()) {
        switch (classes[static_cast<unsigned char>(text_[at_])]) {
            case Class::blank:
                ++at_;
                gap_ = open_;
                break;
            case Class::word: word(); break;
            case Class::digit: number(); break;
            case Class::quote: string(at_, !standard_strings_, standard_strings_); break;
            case Class::name_quote: quoted_name(); break;
            case Class::dollar: dollar(); break;
            case Class::point:
                if (class_at(at_ + 1) == Class::digit) {
                    number();
                } else {
                    // Two points are one token, which only PL/pgSQL knows.
                    tokens_.cacheable = tokens_.cacheable && byte(at_ + 1) != '.';
                    mark();
                }
                break;
            case Class::dash:
                if (byte(at_ + 1) == '-') {
                    line_comment();
                } else {
                    sign();
                }
                break;
            case Class::slash:
                if (byte(at_ + 1) == '*') {
                    block_comment();
                } else {
                    sign();
                }
                break;
            case Class::semicolon: semicolon(); break;
            case Class::mark: mark(); break;
            case Class::sign: sign(); break;
            case Class::other:
                tokens_.cacheable = false;
                mark();
                break;
        }
    }
    return static_cast<std::size_t>(out_ - shape_);
}

void Scanner::mark() {
    begin_token();
    *out_++ = text_[at_++];
    end_token();
    string_before_ = false;
}

void Scanner::sign() {
    constexpr std::size_t operator_bytes_max = 63;  // PostgreSQL: NAMEDATALEN - 1
    signs_ = sign_end_ == at_ ? signs_ + 1 : 1;
    if (signs_ > operator_bytes_max) {
        fault("operator too long");
    }
    mark();
    sign_end_ = at_;
}

void Scanner::word() {
    const std::size_t from = at_;
    const char first = folded[byte(at_)];
    // One letter and a quote make a string of another kind.
    if (byte(at_ + 1) == '\'' && (first == 'e' || first == 'b' || first == 'x' || first == 'n')) {
        at_ += 1;
        // A bit string holds no doubled quote: the second one begins another string.
        const bool doubles = first == 'e' || first == 'n';
        string(from, first == 'e' || (first == 'n' && !standard_strings_), false, doubles);
        if (first == 'n') {
            tokens_.cacheable = false;  // the parser sees a word and a string
        }
        return;
    }
    if (first == 'u' && byte(at_ + 1) == '&' && (byte(at_ + 2) == '\'' || byte(at_ + 2) == '"')) {
        tokens_.cacheable = false;  // UESCAPE may give it another meaning
        at_ += 2;
        if (byte(at_) == '\'') {
            string(from, !standard_strings_, false);
        } else {
            quoted_name();
        }
        return;
    }
    begin_token();
    const char* at = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    char* out = out_;
    do {
        *out++ = folded[static_cast<unsigned char>(*at++)];
    } while (at != end && continues_word(classes[static_cast<unsigned char>(*at)]));
    out_ = out;
    at_ = static_cast<std::size_t>(at - text_.data());
    end_token();
    string_before_ = false;
}

void Scanner::number() {
    begin_token();
    const std::size_t from = at_;
    Literal::Form form = Literal::Form::integer;
    const auto digits = [&] {
        while (class_at(at_) == Class::digit) {
            ++at_;
        }
    };
    digits();
    if (byte(at_) == '.' && byte(at_ + 1) != '.') {
        form = Literal::Form::number;
        ++at_;
        digits();
    } else if (byte(at_) == '.') {
        tokens_.cacheable = false;  // 1..10
    }
    if ((byte(at_) | 0x20U) == 'e') {
        const std::size_t sign = byte(at_ + 1) == '+' || byte(at_ + 1) == '-' ? 1 : 0;
        if (class_at(at_ + 1 + sign) == Class::digit) {
            form = Literal::Form::number;
            at_ += 1 + sign;
            digits();
        }
    }
    if (class_at(at_) == Class::word) {
        // PostgreSQL 15 refuses it; 16 reads 0x2A and 1_000 as numbers.
        fault("trailing junk after numeric literal");
    }
    end_token();
    literal(from, form);
}

/// A string whose quote stands at at_.
void Scanner::string(std::size_t from, bool escapes, bool plain, bool doubles) {
    if (string_before_) {
        tokens_.cacheable = false;  // 'a' 'b' over two lines are one constant
    }
    const std::size_t quote = at_;
    at_ = from;
    begin_token();
    at_ = quote + 1;
    bool closed = false;
    while (at_ < text_.size() && !closed) {
        const char c = text_[at_];
        if (c == '\'') {
            if (doubles && byte(at_ + 1) == '\'') {
                plain = false;
                at_ += 2;
            } else {
                ++at_;
                closed = true;
            }
        } else if (c == '\\' && escapes) {
            at_ = std::min(at_ + 2, text_.size());
        } else if (escapes) {
            ++at_;
        } else {
            const auto next = text_.find('\'', at_ + 1);
            at_ = next == std::string_view::npos ? text_.size() : next;
        }
    }
    tokens_.cacheable = tokens_.cacheable && closed;
    end_token();
    literal(from, plain && closed ? Literal::Form::string : Literal::Form::other);
}

void Scanner::quoted_name() {
    begin_token();
    const std::size_t from = at_;
    const auto end = text_.find('"', at_ + 1);
    if (end == std::string_view::npos) {
        tokens_.cacheable = false;
    }
    // A doubled quote looks like the next name, which has the same effect.
    at_ = end == std::string_view::npos ? text_.size() : end + 1;
    out_ = std::copy(text_.begin() + static_cast<std::ptrdiff_t>(from),
                     text_.begin() + static_cast<std::ptrdiff_t>(at_), out_);
    end_token();
    string_before_ = false;
}

void Scanner::dollar() {
    if (class_at(at_ + 1) == Class::digit) {
        parameter();
        return;
    }
    std::size_t tag = at_ + 1;
    while (class_at(tag) == Class::word || (class_at(tag) == Class::digit && tag > at_ + 1)) {
        ++tag;
    }
    if (byte(tag) != '$') {
        tokens_.cacheable = false;
        mark();
        return;
    }
    if (string_before_) {
        tokens_.cacheable = false;
    }
    begin_token();
    const std::size_t from = at_;
    const std::string_view mark = text_.substr(at_, tag + 1 - at_);
    const auto end = text_.find(mark, tag + 1);
    if (end == std::string_view::npos) {
        tokens_.cacheable = false;
    }
    at_ = end == std::string_view::npos ? text_.size() : end + mark.size();
    end_token();
    literal(from, Literal::Form::other);
}

void Scanner::parameter() {
    begin_token();
    *out_++ = text_[at_++];
    std::uint32_t number = 0;
    while (class_at(at_) == Class::digit) {
        number =
            std::min<std::uint32_t>(number * 10 + static_cast<std::uint32_t>(text_[at_] - '0'), 1'000'000);
        *out_++ = text_[at_++];
    }
    constexpr std::uint32_t most = std::numeric_limits<std::uint16_t>::max();  // Int16 in Bind
    if (number > most || class_at(at_) == Class::word) {
        fault("trailing junk after parameter");
    }
    tokens_.parameters = std::max(tokens_.parameters, static_cast<std::uint16_t>(std::min(number, most)));
    end_token();
    string_before_ = false;
}

void Scanner::line_comment() {
    const auto end = text_.find_first_of("\r\n", at_);
    at_ = end == std::string_view::npos ? text_.size() : end;
    gap_ = open_;
}

void Scanner::block_comment() {
    std::size_t depth = 0;
    const std::size_t from = at_;
    do {
        const auto next = text_.find_first_of("*/", at_);
        if (next == std::string_view::npos) {
            at_ = text_.size();
        } else if (text_[next] == '/' && byte(next + 1) == '*') {
            ++depth;
            at_ = next + 2;
        } else if (text_[next] == '*' && byte(next + 1) == '/') {
            --depth;
            at_ = next + 2;
        } else {
            at_ = next + 1;
        }
    } while (depth > 0 && at_ < text_.size());
    if (depth > 0) {
        fault("unterminated /* comment");
    }
    tokens_.comments.emplace_back(static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(at_));
    gap_ = open_;
}

void Scanner::semicolon() {
    ++at_;
    ++tokens_.count;
    open_ = false;
    gap_ = false;
    string_before_ = false;
}

}  // namespace

std::string_view plain_value(std::string_view text, const Literal& literal) noexcept {
    switch (literal.form) {
        case Literal::Form::integer:
        case Literal::Form::number: return text.substr(literal.offset, literal.length);
        case Literal::Form::string: return text.substr(literal.offset + 1, literal.length - 2);
        case Literal::Form::other: break;
    }
    return {};
}

void tokenize(std::string_view text, bool standard_strings, Tokens& tokens) {
    tokens.literals.clear();
    tokens.statements = 0;
    tokens.count = 0;
    tokens.first = 0;
    tokens.begin = 0;
    tokens.end = 0;
    tokens.parameters = 0;
    tokens.cacheable = standard_strings;
    tokens.fault = {};
    tokens.comments.clear();
    tokens.shape.resize_and_overwrite(text.size(), [&](char* shape, std::size_t) {
        return Scanner(text, standard_strings, tokens, shape).run();
    });
}

}  // namespace domicile::sql
