#include "policy/load.h"

#include "policy/load_tables.h"
#include "policy/table_reader.h"
#include "policy/text.h"
#include "protocol/limits.h"
#include "protocol/names.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace tallygate {
namespace {

// Far above any honest policy; bounds memory when the path names something else.
constexpr std::size_t file_size_max = 4 * limits::mebibyte;

void read_url(const TomlMember& url, const std::string& path, Policy& policy,
              ComplaintList& complaints) {
  constexpr std::string_view scheme = "sqlite:";
  const std::string& text = url.value.text;
  if (!text.starts_with(scheme)) {
    // Only the scheme is repeated: a URL may hold a password.
    const std::string_view other = std::string_view(text).substr(0, text.find(':'));
    const bool has_scheme = other.size() < text.size();
    complaints.add(url.place, (has_scheme ? "a store of the kind " + in_quotes(other)
                                          : std::string("a store without a kind")) +
                                  " is not in this version; write url = \"sqlite:PATH\"");
    return;
  }
  const std::string_view place = std::string_view(text).substr(scheme.size());
  if (place.empty() || place.find('\0') != std::string_view::npos) {
    complaints.add(url.place, "the store has no usable path; write url = \"sqlite:PATH\"");
    return;
  }
  // An absolute place replaces the folder.
  policy.store_path = (std::filesystem::path(path).parent_path() / place).string();
}

void read_store(const TomlMember& member, const std::string& path, Policy& policy,
                ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  if (const TomlMember* url = in.find("url", TomlKind::string)) {
    read_url(*url, path, policy, complaints);
  }
  if (const auto index = in.choice("durability", {"power", "process"})) {
    policy.durability = *index == 0 ? Durability::power : Durability::process;
  }
}

void read_session(const TomlMember& member, Policy& policy, ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  policy.pinned_agent = in.name("agent", is_identity_name, identity_charset);
  policy.pinned_run = in.name("run", is_identity_name, identity_charset);
  policy.allow_any_agent = in.boolean("allow_any_agent").value_or(false);
}

// Who writes these wants people to decide by their keys: nothing may run past that, observed or
// not.
void refuse_pins(TableReader& in) {
  for (const std::string_view key : {"approvers", "quorum"}) {
    const TomlMember* pin = in.find_unlisted(key);
    if (pin == nullptr) continue;
    in.complain(*pin, in_quotes(key) +
                          " pins approver keys, which this version cannot check, so nothing is "
                          "served by this file, and never with --observe; leave it out, and let "
                          "allow_unsigned say who may approve");
  }
}

void read_approvals(const TomlMember& member, Policy& policy, ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  const auto timeout = read_duration(in, "timeout", limits::approval_timeout_ms_max);
  policy.approvals.timeout_ms = timeout.value_or(policy.approvals.timeout_ms);
  policy.approvals.allow_unsigned = in.boolean("allow_unsigned").value_or(false);
  refuse_pins(in);
}

void read_limits(const TomlMember& member, Policy& policy, ComplaintList& complaints) {
  TableReader in(member.value, member.place, complaints);
  const auto throttle = read_duration(in, "throttle_max", limits::tool_timeout_ms_max);
  policy.throttle_ms_max = throttle.value_or(policy.throttle_ms_max);
}

void read_agents(const TomlMember& agents, Policy& policy, ComplaintList& complaints) {
  for (const TomlMember& member : agents.value.members) {
    if (member.value.kind != TomlKind::table) {
      complaints.add(member.place, wrong_kind(member, TomlKind::table) + "; write [agents.NAME]");
      continue;
    }
    if (!is_pattern(member.key, is_identity_name)) {
      complaints.add(member.place, in_quotes(member.key) + " names no agent; write 1 to 128 of " +
                                       std::string(identity_charset) + ", * and ?");
    }
    TableReader in(member.value, member.place, complaints);
    in.explain_dots("agents.", member.key);
    policy.agents.push_back(
        AgentRule{member.key, in.name("group", is_identity_name, identity_charset).value_or("")});
  }
  refuse_ties(agents.value, complaints);
}

// An agent that the policy speaks of but does not know could never act, and a cap on it never bind.
void refuse_unknown_pin(const TomlMember& session, const Policy& policy,
                        ComplaintList& complaints) {
  if (!policy.pinned_agent || policy.knows_agent(*policy.pinned_agent)) return;
  for (const TomlMember& member : session.value.members) {
    if (member.key != "agent") continue;
    complaints.add(member.place, "agent " + in_quotes(*policy.pinned_agent) +
                                     " is not known, so nothing could run; add its [agents.NAME]" +
                                     did_you_mean(*policy.pinned_agent, agent_names(policy)));
  }
}

// An array of tables, which is written with two brackets.
const TomlMember* find_list(TableReader& in, std::string_view key) {
  const TomlMember* member = in.find(key);
  if (member == nullptr || member->value.kind == TomlKind::array) return member;
  in.complain(*member, wrong_kind(*member, TomlKind::array) + "; write [[" + member->key + "]]");
  return nullptr;
}

void read_tables(const TomlNode& top, const std::string& path, Policy& policy,
                 ComplaintList& complaints) {
  TableReader in(top, Place{}, complaints);
  const TomlMember* store = in.find("store", TomlKind::table);
  if (store != nullptr) read_store(*store, path, policy, complaints);
  const TomlMember* session = in.find("session", TomlKind::table);
  if (session != nullptr) read_session(*session, policy, complaints);
  const TomlMember* agents = in.find("agents", TomlKind::table);
  if (agents != nullptr) read_agents(*agents, policy, complaints);
  const TomlMember* groups = in.find("groups", TomlKind::table);
  if (groups != nullptr) read_groups(*groups, policy, complaints);
  const TomlMember* budgets = find_list(in, "budgets");
  if (budgets != nullptr) read_budgets(*budgets, policy, complaints);
  const TomlMember* tools = in.find("tools", TomlKind::table);
  if (tools != nullptr) read_tools(*tools, path, policy, complaints);
  const TomlMember* rules = find_list(in, "rules");
  if (rules != nullptr) read_rules(*rules, policy, complaints);
  const TomlMember* approvals = in.find("approvals", TomlKind::table);
  if (approvals != nullptr) read_approvals(*approvals, policy, complaints);
  const TomlMember* bounds = in.find("limits", TomlKind::table);
  if (bounds != nullptr) read_limits(*bounds, policy, complaints);
  if (rules != nullptr) refuse_unknown_tools(*rules, policy, complaints);
  if (session != nullptr) refuse_unknown_pin(*session, policy, complaints);
}

Complaints unreadable(const std::string& path, std::string_view why) {
  return {path + ": cannot be read: " + std::string(why) +
          "; name another file, or write one with tallygate init"};
}

// Reads until the end or until the text is too large; the errno of what failed, or 0.
int read_all(const std::string& path, std::string& text) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (file < 0) return errno;
  std::array<char, 16 * limits::kibibyte> block{};
  int error = 0;
  while (text.size() <= file_size_max) {
    const ssize_t size = ::read(file, block.data(), block.size());
    if (size > 0) text.append(block.data(), static_cast<std::size_t>(size));
    if (size > 0 || (size < 0 && errno == EINTR)) continue;
    if (size < 0) error = errno;
    break;
  }
  ::close(file);
  return error;
}

}  // namespace

std::variant<Policy, Complaints> load_policy_text(std::string_view text, const std::string& path) {
  ComplaintList complaints(path);
  const auto toml = read_toml(text);
  if (const auto* complaint = std::get_if<TomlComplaint>(&toml)) {
    complaints.add(complaint->place, complaint->what);
    return complaints.take();
  }
  Policy policy;
  read_tables(*std::get_if<TomlNode>(&toml), path, policy, complaints);
  if (!complaints.empty()) return complaints.take();
  policy.digest = sha256(text);
  policy.files = {path};
  return policy;
}

std::variant<Policy, Complaints> load_policy_file(const std::string& path) {
  std::string text;
  if (const int error = read_all(path, text); error != 0) {
    return unreadable(path, std::generic_category().message(error));
  }
  if (text.size() > file_size_max) {
    return unreadable(path, "larger than " + std::to_string(file_size_max) + " bytes");
  }
  return load_policy_text(text, path);
}

}  // namespace tallygate
