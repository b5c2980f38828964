// SHA-256, and the two digests of a call's arguments.
#pragma once

#include "protocol/json_view.h"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace tallygate {

using Digest = std::array<std::uint8_t, 32>;

// SHA-256 over the parts, one after the other.
Digest sha256(std::initializer_list<std::string_view> parts);
inline Digest sha256(std::string_view text) { return sha256({text}); }

std::string to_hex(const Digest& digest);
std::string_view as_bytes(const Digest& digest);

// argsDigest: of the canonical text as it stands. What is shown, approved and executed has it.
Digest args_digest(std::string_view canonical_args);

// argsKey: of the JSON *value*: keys sorted by their UTF-8 bytes, numbers as exact decimals without
// needless zeros, with one exponent each (10 is 1e1). Two spellings of one value have one key; used
// to compare, never to run.
Digest args_key(JsonView canonical_args);

// The text args_key digests.
std::string value_text(JsonView value);

}  // namespace tallygate
