#include "wire/relay.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace domicile::wire {

void Relay::sent(Sent what, bool quiet, bool loud_error) {
    if (next_ == steps_.size() && next_ != 0) {
        steps_.clear();
        next_ = 0;
    }
    if (failed_ && what != Sent::sync && what != Sent::query && what != Sent::function_call) {
        return;  // the node throws it away until the next sync
    }
    steps_.push_back({what, quiet, loud_error});
    const bool ends = what == Sent::sync || what == Sent::query || what == Sent::function_call;
    unsynced_ = !ends;
    rounds_ += ends ? 1 : 0;
}

void Relay::reset() noexcept {
    steps_.clear();
    next_ = 0;
    rounds_ = 0;
    status_ = 'I';
    copying_ = copying_out_ = rows_ = answered_ = described_ = failed_ = unsynced_ = broken_ = false;
}

void Relay::step_done() noexcept {
    ++next_;
    rows_ = answered_ = described_ = false;
}

std::size_t Relay::rounds_passed() const noexcept {
    return static_cast<std::size_t>(std::count_if(
        steps_.begin() + static_cast<std::ptrdiff_t>(next_), steps_.end(),
        [](const Step& one) { return !one.quiet && (one.what == Sent::sync || one.what == Sent::query); }));
}

char Relay::synthetic_due() noexcept {
    if (broken_ || failed_ || next_ == steps_.size()) {
        return 0;
    }
    const Sent what = steps_[next_].what;
    if (what != Sent::own_parse && what != Sent::own_close) {
        return 0;
    }
    step_done();
    return what == Sent::own_parse ? '1' : '3';
}

Relay::Event Relay::advance(char type, std::string_view body) {
    const Event event = broken_ ? Event::broken : classify(type, body);
    broken_ = event == Event::broken;
    return event;
}

Relay::Event Relay::classify(char type, std::string_view body) {
    switch (type) {
        // May come at any time (PostgreSQL docs, "Asynchronous Operations").
        case 'N':
        case 'A':
        case 'S':
            // While our own messages are answered, what the node says of them is not the client's.
            return next_ < steps_.size() && steps_[next_].quiet && !steps_[next_].loud_error ? Event::hide
                                                                                             : Event::pass;
        default: break;
    }
    if (next_ == steps_.size()) {
        return Event::broken;
    }
    const Step step = steps_[next_];
    const bool simple = step.what == Sent::query || step.what == Sent::function_call;
    const bool runs = step.what == Sent::query || step.what == Sent::execute;
    if (failed_ && type != 'Z') {
        return Event::broken;
    }
    switch (type) {
        case 'D': return runs && !copying_ && (!simple || rows_) ? answer(step) : Event::broken;
        case 'd': return copying_out_ ? answer(step) : Event::broken;
        case 'c':
            if (!copying_out_) {
                return Event::broken;
            }
            copying_out_ = false;
            return answer(step);
        case 'C':
        case 'I':
            if (!runs || copying_out_ || copying_ || (type == 'I') != body.empty()) {
                return Event::broken;
            }
            ++completions_;
            rows_ = false;
            answered_ = true;
            if (!simple) {
                step_done();
            }
            return answer(step);
        case 's':
            if (step.what != Sent::execute || !body.empty()) {
                return Event::broken;
            }
            step_done();
            return answer(step);
        case 'T':
            if (step.what == Sent::describe_portal || (step.what == Sent::describe_statement && described_)) {
                step_done();
                return answer(step);
            }
            if (step.what != Sent::query || copying_ || copying_out_) {
                return Event::broken;
            }
            rows_ = true;
            answered_ = false;
            return answer(step);
        case 'n':
            if (step.what == Sent::describe_portal || (step.what == Sent::describe_statement && described_)) {
                step_done();
                return answer(step);
            }
            return Event::broken;
        case 't':
            if (step.what != Sent::describe_statement || described_) {
                return Event::broken;
            }
            described_ = true;
            return answer(step);
        case 'V':
            if (step.what != Sent::function_call || described_) {
                return Event::broken;
            }
            described_ = answered_ = true;
            return answer(step);
        case '1':
        case '2':
        case '3': {
            const Sent due = type == '1' ? Sent::parse : type == '2' ? Sent::bind : Sent::close;
            if (step.what != due || !body.empty()) {
                return Event::broken;
            }
            step_done();
            return answer(step);
        }
        case 'G':
            // Nothing may be under way behind it: the node would take it for data.
            if (!runs || copying_ || copying_out_ || step.quiet) {
                return Event::broken;
            }
            // A Sync sent right behind Execute is ignored during COPY; the client sends another after its
            // data (PostgreSQL docs, "COPY Operations").
            while (!simple && steps_.size() > next_ + 1 && steps_.back().what == Sent::sync) {
                steps_.pop_back();
                --rounds_;
                unsynced_ = true;
            }
            if (steps_.size() > next_ + 1) {
                return Event::broken;
            }
            copying_ = true;
            answered_ = false;
            return Event::copy_in;
        case 'H':
            if (!runs || copying_ || copying_out_) {
                return Event::broken;
            }
            copying_out_ = true;
            answered_ = false;
            return answer(step);
        case 'E': {
            ++errors_;
            copying_ = copying_out_ = rows_ = described_ = false;
            answered_ = true;
            if (!simple && step.what != Sent::sync) {
                failed_ = true;
                // The node skips to the next sync, and so do we. A query there counts as one, too: libpq and
                // PostgreSQL ignore it, so the client is never to send it.
                const auto sync =
                    std::find_if(steps_.begin() + static_cast<std::ptrdiff_t>(next_), steps_.end(),
                                 [](const Step& one) { return one.what == Sent::sync; });
                rounds_ -= static_cast<std::size_t>(
                    std::count_if(steps_.begin() + static_cast<std::ptrdiff_t>(next_), sync,
                                  [](const Step& one) { return one.what == Sent::query; }));
                next_ = static_cast<std::size_t>(sync - steps_.begin());
            }
            return step.quiet && !step.loud_error ? Event::hide : Event::pass;
        }
        case 'Z':
            // A query ends with the word that its last statement has ended, or failed.
            if ((!simple && step.what != Sent::sync) || (simple && !answered_) || body.size() != 1 ||
                copying_ || copying_out_ || (body[0] != 'I' && body[0] != 'T' && body[0] != 'E')) {
                return Event::broken;
            }
            status_ = body[0];
            failed_ = false;
            --rounds_;
            step_done();
            return answer(step);
        default: return Event::broken;
    }
}

}  // namespace domicile::wire
