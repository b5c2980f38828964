// Reads one TOML table key by key; whatever is wrong becomes a complaint at its own place.
#pragma once

#include "policy/load.h"
#include "policy/toml_tree.h"
#include "protocol/amount.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate {

// The complaints about one file.
class ComplaintList {
 public:
  explicit ComplaintList(std::string file) : file_(std::move(file)) {}

  void add(Place place, std::string what) { list_.push_back({place, std::move(what)}); }
  bool empty() const { return list_.empty(); }
  // "FILE:LINE:COLUMN"
  std::string where(Place place) const;
  // Every complaint with its place, from the top of the file.
  Complaints take();

 private:
  std::string file_;
  std::vector<TomlComplaint> list_;
};

using NameCheck = bool (*)(std::string_view);

// Each getter gives nothing when the key is absent or its value is refused. A key that no getter
// asked for is unknown.
class TableReader {
 public:
  // `table` is the value of `place`'s key; both outlive the reader.
  TableReader(const TomlNode& table, Place place, ComplaintList& complaints)
      : table_(table), place_(place), complaints_(complaints) {}
  // The complaint about unknown keys comes with the end of the reading.
  ~TableReader();
  TableReader(const TableReader&) = delete;
  TableReader& operator=(const TableReader&) = delete;

  // The member itself, of any kind.
  const TomlMember* find(std::string_view key);
  // The same, of this kind.
  const TomlMember* find(std::string_view key, TomlKind kind);
  // Of any kind, without naming the key where others are refused: it is known only to be explained.
  const TomlMember* find_unlisted(std::string_view key);
  // The keys asked for next must be there.
  void require(const std::vector<std::string_view>& keys);

  std::optional<std::string> text(std::string_view key);
  std::optional<bool> boolean(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t min, std::int64_t max);
  // A text that `is_valid`; `charset` says in words what that is.
  std::optional<std::string> name(std::string_view key, NameCheck is_valid,
                                  std::string_view charset);
  // One of `choices`, by its index.
  std::optional<std::size_t> choice(std::string_view key,
                                    const std::vector<std::string_view>& choices);

  // For [PARENT.NAME] tables: an unknown table inside is likely a name whose dots lack quotes.
  void explain_dots(std::string_view parent, std::string_view name);

  // A complaint at the key of `member`.
  void complain(const TomlMember& member, std::string what);

 private:
  void complain_unknown(const TomlMember& member);

  const TomlNode& table_;
  Place place_;
  ComplaintList& complaints_;
  std::vector<std::string_view> known_, unlisted_;
  std::string_view parent_, name_;  // empty: no dots to explain
};

inline constexpr std::string_view identity_charset = "letters, digits and . _ @ -";
inline constexpr std::string_view tool_charset = "letters, digits and . _ @ - : /";

// Says that `member` is of another kind than wanted.
std::string wrong_kind(const TomlMember& member, TomlKind wanted);

// An amount, which must be a string: TOML's numbers are not exact money.
std::optional<Amount> read_amount(const TomlMember& member, int scale, ComplaintList& complaints);

// A name that may hold `*` and `?` besides what `is_name` accepts.
bool is_pattern(std::string_view pattern, NameCheck is_name);

// Complains of every glob among the keys of `table` that has the literal prefix of an earlier one:
// neither would be the better match.
void refuse_ties(const TomlNode& table, ComplaintList& complaints);

}  // namespace tallygate
