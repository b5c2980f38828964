// Small words of the report: users, sizes, times, and texts that a shell takes as one word.
#pragma once

#include "policy/policy.h"
#include "protocol/amount.h"

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace tallygate {

// `text` as one word of a shell.
std::string shell_word(const std::string& text);

// "alice", or "uid 1000" where it has no name.
std::string user_name(uid_t uid);

// "0 bytes", "12 KiB", "3 GiB": rounded down.
std::string size_text(std::uint64_t bytes);

// "0.4 s", "3 min 20 s", "2 days 5 h".
std::string duration_text(std::int64_t ms);

// "0640"
std::string mode_text(mode_t mode);

// "0.01 usd, 1 calls"; "nothing" for no charge.
std::string charges_text(const Policy& policy, const Charges& charges);

// "pid 4711 (tallygate serve -c policy.toml)"; the command as the process tells it.
std::string process_text(std::int64_t pid);

}  // namespace tallygate
