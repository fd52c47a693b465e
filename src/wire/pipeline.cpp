#include "wire/pipeline.hpp"

#include "wire/backend.hpp"

namespace domicile::wire {

bool Pipeline::take(Step step) noexcept {
    if (settled() || steps_[next_].step != step) {
        return false;
    }
    tag_ = steps_[next_].tag;
    ++next_;
    return true;
}

Pipeline::Event Pipeline::advance(const Frame& frame) {
    const Event event = broken_ ? Event::broken : classify(frame);
    broken_ = event == Event::broken;
    return event;
}

Pipeline::Event Pipeline::classify(const Frame& frame) {
    switch (frame.type) {
        case backend::data_row:
            if (settled() || steps_[next_].step != Step::execute || !well_formed_row(frame.body)) {
                return Event::broken;
            }
            tag_ = steps_[next_].tag;
            return Event::row;
        case backend::parse_complete: return take(Step::parse) ? Event::parsed : Event::broken;
        case backend::bind_complete: return take(Step::bind) ? Event::none : Event::broken;
        case backend::command_complete: {
            std::string_view command_tag;
            return decode_command_complete(frame.body, command_tag) && take(Step::execute) ? Event::complete
                                                                                           : Event::broken;
        }
        case backend::empty_query: return take(Step::execute) ? Event::none : Event::broken;
        case backend::error_response: {
            ServerError error;
            // Nothing is owed: the node is going away (57P01 and its kin). A second error before the sync
            // cannot be: after the first the node skips what it reads.
            if (settled() || failed_ || !decode(frame.body, error)) {
                return Event::broken;
            }
            tag_ = steps_[next_].tag;
            while (!settled() && steps_[next_].step != Step::sync) {
                ++next_;
            }
            failed_ = true;
            return settled() ? Event::broken : Event::error;
        }
        case backend::ready_for_query:
            failed_ = false;
            return take(Step::sync) && decode_ready(frame.body, status_) ? Event::ready : Event::broken;
        case backend::notice_response:
        case backend::parameter_status:
        case backend::notification: return Event::none;
        default: return Event::broken;
    }
}

}  // namespace domicile::wire
