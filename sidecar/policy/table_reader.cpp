#include "policy/table_reader.h"

#include "policy/pattern.h"
#include "policy/text.h"
#include "protocol/limits.h"

#include <algorithm>
#include <iterator>
#include <map>

namespace tallygate {

namespace {

// What to write for a key that must be there.
std::string example_of(std::string_view key) {
  struct Example {
    std::string_view key, text;
  };
  static constexpr Example examples[] = {
      {"scope", R"(scope = "global")"},  {"unit", R"(unit = "usd")"},
      {"window", R"(window = "day")"},   {"cap", R"(cap = "10.00")"},
      {"id", R"(id = "NAME")"},          {"match", R"(match = {tool = "NAME"})"},
      {"effect", R"(effect = "allow")"}, {"tool", R"(tool = "NAME")"},
      {"from", R"(from = "host")"},      {"max", R"(max = {usd = "1.00"})"},
      {"per", R"(per = "/max_tokens")"}, {"rate", R"(rate = "0.00003")"},
      {"input", R"(input = "3.00")"},    {"output", R"(output = "15.00")"},
      {"above", R"(above = "200000")"},
  };
  const auto found = std::ranges::find(examples, key, &Example::key);
  return found == std::end(examples) ? std::string() : "; write " + std::string(found->text);
}

}  // namespace

std::string ComplaintList::where(Place place) const {
  return file_ + ":" + std::to_string(place.line) + ":" + std::to_string(place.column);
}

Complaints ComplaintList::take() {
  std::ranges::stable_sort(list_, {}, &TomlComplaint::place);
  Complaints out;
  for (const TomlComplaint& complaint : list_) {
    out.push_back(where(complaint.place) + ": " + complaint.what);
  }
  list_.clear();
  return out;
}

TableReader::~TableReader() {
  for (const TomlMember& member : table_.members) {
    const bool is_known = std::ranges::find(known_, member.key) != known_.end() ||
                          std::ranges::find(unlisted_, member.key) != unlisted_.end();
    if (!is_known) complain_unknown(member);
  }
}

const TomlMember* TableReader::find(std::string_view key) {
  known_.push_back(key);
  const auto found = std::ranges::find(table_.members, key, &TomlMember::key);
  return found == table_.members.end() ? nullptr : &*found;
}

const TomlMember* TableReader::find_unlisted(std::string_view key) {
  unlisted_.push_back(key);
  const auto found = std::ranges::find(table_.members, key, &TomlMember::key);
  return found == table_.members.end() ? nullptr : &*found;
}

const TomlMember* TableReader::find(std::string_view key, TomlKind kind) {
  const TomlMember* member = find(key);
  if (member == nullptr || member->value.kind == kind) return member;
  complain(*member, wrong_kind(*member, kind));
  return nullptr;
}

void TableReader::require(const std::vector<std::string_view>& keys) {
  for (const std::string_view key : keys) {
    if (std::ranges::find(table_.members, key, &TomlMember::key) == table_.members.end()) {
      complaints_.add(place_, "missing key " + in_quotes(key) + example_of(key));
    }
  }
}

std::optional<std::string> TableReader::text(std::string_view key) {
  const TomlMember* member = find(key, TomlKind::string);
  if (member == nullptr) return std::nullopt;
  return member->value.text;
}

std::optional<bool> TableReader::boolean(std::string_view key) {
  const TomlMember* member = find(key, TomlKind::boolean);
  if (member == nullptr) return std::nullopt;
  return member->value.boolean;
}

std::optional<std::int64_t> TableReader::integer(std::string_view key, std::int64_t min,
                                                 std::int64_t max) {
  const TomlMember* member = find(key, TomlKind::integer);
  if (member == nullptr) return std::nullopt;
  if (member->value.integer >= min && member->value.integer <= max) return member->value.integer;
  complain(*member, in_quotes(key) + " must be from " + std::to_string(min) + " to " +
                        std::to_string(max) + ", not " + std::to_string(member->value.integer));
  return std::nullopt;
}

std::optional<std::string> TableReader::name(std::string_view key, NameCheck is_valid,
                                             std::string_view charset) {
  const TomlMember* member = find(key, TomlKind::string);
  if (member == nullptr) return std::nullopt;
  if (is_valid(member->value.text)) return member->value.text;
  complain(*member, in_quotes(key) + " must be a name, not " + in_quotes(member->value.text) +
                        "; write 1 to 128 of " + std::string(charset));
  return std::nullopt;
}

std::optional<std::size_t> TableReader::choice(std::string_view key,
                                               const std::vector<std::string_view>& choices) {
  const TomlMember* member = find(key, TomlKind::string);
  if (member == nullptr) return std::nullopt;
  const auto found = std::ranges::find(choices, member->value.text);
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  complain(*member, in_quotes(key) + " cannot be " + in_quotes(member->value.text) +
                        " in this version; write " + listed(choices) +
                        did_you_mean(member->value.text, choices));
  return std::nullopt;
}

void TableReader::explain_dots(std::string_view parent, std::string_view name) {
  parent_ = parent;
  name_ = name;
}

void TableReader::complain(const TomlMember& member, std::string what) {
  complaints_.add(member.place, std::move(what));
}

void TableReader::complain_unknown(const TomlMember& member) {
  std::string what = "unknown key " + in_quotes(member.key);
  const std::string_view nearest = nearest_name(member.key, known_);
  if (!nearest.empty()) {
    what += "; did you mean " + in_quotes(nearest) + "?";
  } else if (member.value.kind == TomlKind::table && !parent_.empty()) {
    what += "; a name with dots needs quotes: [" + std::string(parent_) + "\"" + printable(name_) +
            "." + printable(member.key) + "\"]";
  } else {
    what += "; known here: " + listed(known_);
  }
  complain(member, std::move(what));
}

std::string wrong_kind(const TomlMember& member, TomlKind wanted) {
  return in_quotes(member.key) + " must be " + std::string(kind_words(wanted)) + ", not " +
         std::string(kind_words(member.value.kind));
}

std::optional<Amount> read_amount(const TomlMember& member, int scale, ComplaintList& complaints) {
  const TomlNode& value = member.value;
  if (value.kind != TomlKind::string) {
    // A float's digits are lost by now, so the example stands for them.
    const std::string digits = value.kind == TomlKind::integer && value.integer >= 0
                                   ? std::to_string(value.integer)
                                   : "10.00";
    complaints.add(member.place, "amounts are strings, not " + std::string(kind_words(value.kind)) +
                                     "; write " + printable(member.key) + " = " +
                                     in_quotes(digits));
    return std::nullopt;
  }
  const Result<Amount> amount = parse_amount(value.text, scale);
  if (amount) return *amount;
  complaints.add(member.place, printable(amount.error().message, 160));
  return std::nullopt;
}

bool is_pattern(std::string_view pattern, NameCheck is_name) {
  std::string name(pattern);
  std::ranges::replace_if(
      name, [](char c) { return c == '*' || c == '?'; }, '_');
  return is_name(name);
}

void refuse_ties(const TomlNode& table, ComplaintList& complaints) {
  std::map<std::string_view, const TomlMember*> first_of;
  for (const TomlMember& member : table.members) {
    if (!is_glob(member.key)) continue;
    const auto [earlier, is_new] = first_of.emplace(literal_prefix(member.key), &member);
    if (is_new) continue;
    complaints.add(member.place, in_quotes(member.key) + " ties with " +
                                     in_quotes(earlier->second->key) + " at " +
                                     complaints.where(earlier->second->place) +
                                     ": the text before their first * or ? is the same");
  }
}

}  // namespace tallygate
