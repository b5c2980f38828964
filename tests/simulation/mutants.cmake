# Programs with one planted fault each, which the simulator must find: a checker that finds nothing
# proves nothing. Production code has no hooks, so a mutant is a copy of one source file with one
# text replaced, linked before the room that has the original.

# tallygate_mutant(NAME ROOM FILE OLD NEW): OLD stands exactly once in sidecar/ROOM/FILE.
function(tallygate_mutant name room file old new)
  set(source ${CMAKE_SOURCE_DIR}/sidecar/${room}/${file})
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${source})
  file(READ ${source} text)
  string(REPLACE "${old}" "${new}" mutated "${text}")
  string(LENGTH "${old}" old_size)
  string(FIND "${text}" "${old}" first)
  string(FIND "${text}" "${old}" last REVERSE)
  if(first EQUAL -1 OR NOT first EQUAL last)
    # Whoever edits the file can still build it; the test says that the mutant needs a look.
    message(WARNING "mutant ${name}: its text does not stand exactly once in ${source}:\n${old}")
    add_test(NAME "mutant: ${name}" COMMAND ${CMAKE_COMMAND} -E false)
    set_tests_properties("mutant: ${name}" PROPERTIES LABELS mutants)
    return()
  endif()
  set(copy ${CMAKE_CURRENT_BINARY_DIR}/${name}.cpp)
  set(before "")
  if(EXISTS ${copy})
    file(READ ${copy} before)
  endif()
  if(NOT before STREQUAL mutated)
    file(WRITE ${copy} "${mutated}")
  endif()
  add_executable(mutant_${name} ${copy})
  set_source_files_properties(${copy} PROPERTIES COMPILE_OPTIONS -w)
  target_link_libraries(mutant_${name} PRIVATE simulation)
  add_test(NAME "mutant: ${name}" COMMAND mutant_${name} --seeds 1..300 --expect-failure)
  set_tests_properties("mutant: ${name}" PROPERTIES LABELS mutants TIMEOUT 300)
endfunction()

# --- Money.
tallygate_mutant(settle_twice kernel settlement.cpp
  [[overran = turn.charge(action, ending.actual, ending.extra);]]
  [[overran = turn.charge(action, ending.actual, ending.extra);
      {
        ActionRow again = action;
        again.cost.clear();
        turn.charge(again, ending.actual, ending.extra);
      }]])
tallygate_mutant(late_answer_moves_money kernel settlement.cpp
  [[find_transition(action.state, ending.event);]]
  [[find_transition(is_open(action.state) ? action.state : State::in_doubt, ending.event);]])
tallygate_mutant(reservation_leaked_on_cancel kernel settlement.cpp
  [[case Money::release: turn.release(action); break;]]
  [[case Money::release:
      if (ending.event != ActionEvent::cancelled) turn.release(action);
      break;]])
tallygate_mutant(reserved_charged_not_used kernel settlement.cpp
  [[place->amount = std::max(place->amount, used.amount);]] [[]])
tallygate_mutant(cap_off_by_one policy claims.cpp
  [[return *sum <= claim.cap;]] [[return sum->steps <= claim.cap.steps + 1;]])
tallygate_mutant(release_on_timeout kernel settlement.cpp
  [[case Money::keep: break;]]
  [[case Money::keep:
      if (ending.code == Code::execution_timeout) turn.release(action);
      break;]])
tallygate_mutant(overrun_forgiven policy claims.cpp
  [[const bool is_overrun = position.overrun > Amount{};]] [[const bool is_overrun = false;]])
tallygate_mutant(released_with_its_owner kernel recovery.cpp
  [[unknown_end(action, turn.now_ms(), Code::host_lost,]]
  [[[](const ActionRow&, std::int64_t, Code code, std::string why) {
               return Ending{ActionEvent::withdrawn, code, std::move(why), {}, {}, {}, {}};
             }(action, turn.now_ms(), Code::host_lost,]])
tallygate_mutant(window_of_the_end_not_the_grant kernel kernel_bodies.cpp
  [[windows_of(*turn_, policy_, identity, ending.actual, action.at_ms, &action);]]
  [[windows_of(*turn_, policy_, identity, ending.actual, turn_->now_ms(), &action);]])
# --- Once.
tallygate_mutant(effect_before_commit kernel kernel.cpp
  [[if (committed || std::holds_alternative<std::monostate>(out.otherwise)) {]] [[if (true) {]])
tallygate_mutant(recover_live_sibling ledger ledger.cpp
  [[return owner != core_->owner && core_->owners.try_lock(owner);]]
  [[return owner != core_->owner;]])
tallygate_mutant(timeout_taken_for_never_run kernel kernel_bodies.cpp
  [[Ending{ActionEvent::outcome_lost, code, reason, {}, {}, {}, {}});]]
  [[Ending{ActionEvent::withdrawn, code, reason, {}, {}, {}, {}});]])
tallygate_mutant(withdraw_what_left kernel kernel_bodies.cpp
  [[if (!bodies_.at(id).left) {]] [[if (bodies_.at(id).left) {]])
tallygate_mutant(denial_replayed_for_ever kernel kernel_calls.cpp
  [[default: return action.state == State::denied;]] [[default: return false;]])
tallygate_mutant(answer_to_an_earlier_attempt kernel kernel_bodies.cpp
  [[} else if (action->attempt == body.attempt) {]] [[} else if (true) {]])
tallygate_mutant(dead_never_found ledger ledger.cpp
  [[return owner != core_->owner && core_->owners.try_lock(owner);]] [[return false;]])
tallygate_mutant(request_answered_twice kernel kernel.cpp
  [[std::erase_if(waiters_, [&](const Waiter& waiter) { return waiter.action == action; });]] [[]])
tallygate_mutant(request_dropped_with_the_turn kernel kernel.cpp
  [[return effects_.lines.push_back(error_line(out.request, *error));]] [[return;]])
tallygate_mutant(anybody_may_complete kernel kernel_grants.cpp
  [[if (turn.agent_of(action->run) != session_->identity.agent_scope) return std::nullopt;]] [[]])
# --- Durability, the trail, the brake.
tallygate_mutant(grant_not_synced kernel admission.cpp
  [[turn.require_sync();  // the body may do what no power loss undoes]] [[]])
tallygate_mutant(nothing_synced ledger turn.cpp
  [[if (sync_ && core_->options.power_durable) {]] [[if (false) {]])
tallygate_mutant(clock_of_this_machine_only ledger turn.cpp
  [[now_ms_ = std::max(utc_ms, committed_ms);]] [[now_ms_ = utc_ms;]])
tallygate_mutant(clock_step_passed_over ledger turn.cpp
  [[clock_stepped_ = utc_ms + limits::clock_step_ms_max < committed_ms;]] [[]])
tallygate_mutant(end_without_a_row kernel settlement.cpp
  [[turn.audit(audit_kind(ending, row->to), action.id.key, audit_body(policy, action, ending, row));]]
  [[if (ending.event != ActionEvent::body_failed)
    turn.audit(audit_kind(ending, row->to), action.id.key,
               audit_body(policy, action, ending, row));]])
tallygate_mutant(close_read_outside_the_transaction kernel decision.cpp
  [[const auto closed = turn.first_closed(identity.scopes());]]
  [[static std::map<std::string, std::optional<ClosedScope>> looks;
  static std::int64_t newest_ms = 0;
  if (turn.now_ms() < newest_ms) looks.clear();  // another world
  newest_ms = turn.now_ms();
  const auto [look, is_first] =
      looks.try_emplace(identity.agent + "/" + identity.run);
  const auto here = turn.first_closed(identity.scopes());
  const auto closed = is_first ? here : look->second;  // as it was at the call before
  look->second = here;]])

# --- Holds, rates, extensions, reported usage.
tallygate_mutant(approval_consumed_twice kernel holds.cpp
  [[turn.set_hold(approved.hold, HoldState::used, approved.hold.have);]] [[]])
tallygate_mutant(hold_granted_unapproved kernel kernel_holds.cpp
  [[if (hold->state == HoldState::approved && takes_work) {]]
  [[if (HoldRow now = *hold; !is_full() && !input_ended_) {
    now.state = HoldState::approved;
    const HoldRow* const hold = &now;]])
tallygate_mutant(window_of_the_reserve_not_of_the_grant kernel holds.cpp
  [[for (const WindowRef& ref : decision.windows) action.windows.push_back(ref.key);
  turn.unreserve(row);
  turn.reserve(decision.windows, decision.charges);]]
  [[action.windows = row.windows;]])
tallygate_mutant(expired_hold_granted kernel settlement.cpp
  [[settle(turn, policy, action, expiry(turn, action));]] [[]])
tallygate_mutant(approved_text_not_checked kernel holds.cpp
  [[if (args_digest(approved.call.args) != approved.hold.args_digest) {]] [[if (false) {]])
tallygate_mutant(approval_not_synced kernel approval_acts.cpp
  [[turn.require_sync();]] [[]])
tallygate_mutant(cut_forgets_holds kernel scope_acts.cpp
  [[if (change.closure == Closure::cut || change.closure == Closure::killed) {]]
  [[if (change.closure == Closure::killed) {]])
tallygate_mutant(withdrawn_request_sent_anyway kernel kernel_bodies.cpp
  [[if (taken == 0) effects_.withdrawn.push_back(execute_id);]] [[]])
tallygate_mutant(lapses_before_its_deadline kernel settlement.cpp
  [[const bool lapses = action.lapses && action.deadline_ms <= now_ms;]]
  [[const bool lapses = action.lapses;]])
tallygate_mutant(token_of_an_earlier_attempt kernel kernel_grants.cpp
  [[if (!is_its_own) return result;]] [[]])
tallygate_mutant(rate_forgotten kernel admission.cpp
  [[take_rates(turn, session.identity, decision);]] [[]])
tallygate_mutant(usage_charged_twice kernel kernel_usage.cpp
  [[action.call_id = call.call_id;]] [[]])
tallygate_mutant(extension_not_reserved kernel extension.cpp
  [[turn.reserve(drawn_on, more);]] [[]])
