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

Pipeline::Event Pipeline::advance(const Frame& frame) noexcept {
    switch (frame.type) {
        case backend::data_row:
            if (settled() || steps_[next_].step != Step::execute) {
                return Event::broken;
            }
            tag_ = steps_[next_].tag;
            return Event::row;
        case backend::parse_complete: return take(Step::parse) ? Event::parsed : Event::broken;
        case backend::bind_complete: return take(Step::bind) ? Event::none : Event::broken;
        case backend::command_complete: return take(Step::execute) ? Event::complete : Event::broken;
        case backend::empty_query: return take(Step::execute) ? Event::none : Event::broken;
        case backend::error_response:
            if (settled()) {
                return Event::broken;  // out of turn: the node is going away (57P01 and its kin)
            }
            tag_ = steps_[next_].tag;
            while (!settled() && steps_[next_].step != Step::sync) {
                ++next_;
            }
            return settled() ? Event::broken : Event::error;
        case backend::ready_for_query:
            return take(Step::sync) && decode_ready(frame.body, status_) ? Event::ready : Event::broken;
        case backend::notice_response:
        case backend::parameter_status:
        case backend::notification: return Event::none;
        default: return Event::broken;
    }
}

}  // namespace domicile::wire
