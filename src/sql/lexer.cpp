#include "sql/lexer.hpp"

#include <algorithm>

namespace domicile::sql {
namespace {

bool starts_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           static_cast<unsigned char>(c) >= 0x80;
}
bool digit(char c) {
    return c >= '0' && c <= '9';
}
bool in_word(char c) {
    return starts_word(c) || digit(c) || c == '$';
}

class Lexer {
  public:
    Lexer(std::string_view text, bool standard_strings) : text_(text), standard_(standard_strings) {}

    std::vector<Token> all() {
        while (skip_blanks()) {
            next();
        }
        return std::move(tokens_);
    }

  private:
    char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

    bool skip_blanks() {
        while (place_ < text_.size()) {
            const char c = text_[place_];
            if (c == ' ' || (c >= '\t' && c <= '\r')) {
                ++place_;
            } else if (c == '-' && at(place_ + 1) == '-') {
                place_ = std::min(text_.find_first_of("\n\r", place_), text_.size());
            } else if (c == '/' && at(place_ + 1) == '*') {
                std::size_t depth = 1;
                place_ += 2;
                while (depth > 0 && place_ < text_.size()) {
                    if (at(place_) == '*' && at(place_ + 1) == '/') {
                        --depth;
                        place_ += 2;
                    } else if (at(place_) == '/' && at(place_ + 1) == '*') {
                        ++depth;
                        place_ += 2;
                    } else {
                        ++place_;
                    }
                }
                place_ = std::min(place_, text_.size());
            } else {
                return true;
            }
        }
        return false;
    }

    void add(Token::Kind kind, std::size_t begin) {
        Token token;
        token.kind = kind;
        token.begin = static_cast<std::uint32_t>(begin);
        token.end = static_cast<std::uint32_t>(place_);
        token.depth = depth_;
        if (kind == Token::Kind::word) {
            token.word = text_.substr(begin, place_ - begin);
            std::ranges::transform(token.word, token.word.begin(), [](char c) {
                return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
            });
        }
        tokens_.push_back(std::move(token));
    }

    void quoted(char quote, bool backslashes) {
        ++place_;
        while (place_ < text_.size()) {
            if (backslashes && text_[place_] == '\\') {
                place_ += 2;
            } else if (text_[place_] == quote) {
                ++place_;
                if (at(place_) != quote) {
                    return;
                }
                ++place_;
            } else {
                ++place_;
            }
        }
        place_ = text_.size();
    }

    bool dollar_quoted() {
        std::size_t end = place_ + 1;
        while (end < text_.size() && in_word(text_[end]) && text_[end] != '$') {
            ++end;
        }
        if (at(end) != '$' || (end > place_ + 1 && digit(text_[place_ + 1]))) {
            return false;
        }
        const auto tag = text_.substr(place_, end + 1 - place_);
        const auto close = text_.find(tag, end + 1);
        place_ = close == std::string_view::npos ? text_.size() : close + tag.size();
        return true;
    }

    void next() {
        const std::size_t begin = place_;
        const char c = text_[place_];
        const char after = at(place_ + 1);
        if (c == '\'') {
            quoted('\'', !standard_);
            add(Token::Kind::string, begin);
        } else if (after == '\'' && (c == 'e' || c == 'E' || c == 'b' || c == 'B' || c == 'x' || c == 'X' ||
                                     c == 'n' || c == 'N')) {
            ++place_;
            quoted('\'', c == 'e' || c == 'E' || ((c == 'n' || c == 'N') && !standard_));
            add(Token::Kind::string, begin);
        } else if ((c == 'u' || c == 'U') && after == '&' &&
                   (at(place_ + 2) == '\'' || at(place_ + 2) == '"')) {
            place_ += 2;
            const char quote = text_[place_];
            quoted(quote, false);
            add(quote == '"' ? Token::Kind::quoted : Token::Kind::string, begin);
        } else if (c == '"') {
            quoted('"', false);
            add(Token::Kind::quoted, begin);
        } else if (c == '$' && digit(after)) {
            ++place_;
            while (digit(at(place_))) {
                ++place_;
            }
            add(Token::Kind::parameter, begin);
        } else if (c == '$' && dollar_quoted()) {
            add(Token::Kind::string, begin);
        } else if (starts_word(c)) {
            while (place_ < text_.size() && in_word(text_[place_])) {
                ++place_;
            }
            add(Token::Kind::word, begin);
        } else if (digit(c) || (c == '.' && digit(after))) {
            while (digit(at(place_)) || at(place_) == '.' ||
                   ((at(place_) == 'e' || at(place_) == 'E') &&
                    (digit(at(place_ + 1)) ||
                     ((at(place_ + 1) == '-' || at(place_ + 1) == '+') && digit(at(place_ + 2))))) ||
                   ((at(place_) == '-' || at(place_) == '+') &&
                    (at(place_ - 1) == 'e' || at(place_ - 1) == 'E'))) {
                ++place_;
            }
            add(Token::Kind::number, begin);
        } else {
            ++place_;
            if ((c == ')' || c == ']') && depth_ > 0) {
                --depth_;
            }
            add(Token::Kind::symbol, begin);
            if (c == '(' || c == '[') {
                ++depth_;
            }
        }
    }

    std::string_view text_;
    bool standard_;
    std::size_t place_ = 0;
    std::uint16_t depth_ = 0;
    std::vector<Token> tokens_;
};

}  // namespace

std::vector<Token> lex(std::string_view text, bool standard_strings) {
    return Lexer(text, standard_strings).all();
}

}  // namespace domicile::sql
