// The rows of a governed call, written with as little as possible around them.
#pragma once

#include "ledger/database.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tallygate::bench {

struct FloorOptions {
  std::string store;
  bool power = false;  // a batch that holds a grant is synced, as in the sidecar
  int budgets = 4;
  bool shared = false;  // other floors write to the store too: writers queue
};

// Ends the program when the store does not do as it should: a floor that could not write is none.
class FloorStore {
 public:
  explicit FloorStore(const FloorOptions& options);

  // One transaction for whatever lines arrived together.
  void begin();
  void grant(std::int64_t number, std::optional<std::string_view> call_id);
  void settle(std::int64_t number);
  void commit();
  // Moves a log that has grown long into the main file, as the sidecar does once its answers have
  // left: a log that only grew would cost fresh memory and disk for every page.
  void tidy();

 private:
  void add_budget(int budget);
  void add_audit(std::string_view kind, std::int64_t key, std::string_view body);
  void update_windows();
  std::int64_t fresh_key();

  FloorOptions options_;
  int queue_ = -1;  // descriptor of the file writers queue on, when shared
  Database database_;
  std::string windows_, args_, output_, hash_, grant_body_;
  std::vector<std::int64_t> keys_;  // by call
  std::int64_t newest_key_ = 0;
  std::int64_t granted_ = 0, settled_ = 0;  // in this batch
  Statement begin_, commit_, add_action_, set_state_, set_result_, add_posting_, add_audit_,
      update_window_;
};

}  // namespace tallygate::bench
