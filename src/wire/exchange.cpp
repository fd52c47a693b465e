#include "wire/exchange.hpp"

#include "base/assert.hpp"
#include "wire/backend.hpp"

namespace domicile::wire {

void Exchange::sent() noexcept {
    DOMICILE_ASSERT(state_ == State::over);
    state_ = State::running;
}

void Exchange::copy_ended() noexcept {
    DOMICILE_ASSERT(state_ == State::copying);
    state_ = State::running;
}

Exchange::Event Exchange::advance(const Frame& frame) {
    const Event event = state_ == State::broken ? Event::broken : classify(frame);
    switch (event) {
        case Event::broken: state_ = State::broken; break;
        case Event::error: state_ = State::failed; break;
        case Event::copy_in: state_ = State::copying; break;
        case Event::ready: state_ = State::over; break;
        default: break;
    }
    return event;
}

Exchange::Event Exchange::classify(const Frame& frame) {
    switch (frame.type) {
        case backend::notice_response:
        case backend::parameter_status:
        case backend::notification: return Event::none;  // these may come at any time
        default: break;
    }
    if (state_ == State::over) {
        return Event::broken;
    }
    if (frame.type == backend::error_response) {
        ServerError error;
        // While we copy, the node may refuse a row at any moment and then reads our data to its end.
        return state_ != State::failed && decode(frame.body, error) ? Event::error : Event::broken;
    }
    if (frame.type == backend::ready_for_query) {
        char status = 0;
        return state_ != State::copying && decode_ready(frame.body, status) ? Event::ready : Event::broken;
    }
    if (state_ != State::running) {
        return Event::broken;  // after an error only ready comes, and while we copy the node is silent
    }
    switch (frame.type) {
        case backend::row_description: return Event::columns;
        case backend::data_row: return well_formed_row(frame.body) ? Event::row : Event::broken;
        case backend::command_complete: {
            std::string_view tag;
            return decode_command_complete(frame.body, tag) ? Event::complete : Event::broken;
        }
        case backend::copy_in_response: return Event::copy_in;
        case backend::empty_query:
        case backend::parse_complete:
        case backend::bind_complete:
        case backend::no_data: return Event::none;
        default: return Event::broken;
    }
}

}  // namespace domicile::wire
