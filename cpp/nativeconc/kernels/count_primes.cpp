// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

// Layout of a sieve: byte b stands for the numbers 30 b + r, where r is one of the eight residues
// that share no factor with 30; bit i is residue kResidues[i] and is set while the number may be
// prime.
//
// The multiples of a prime p that matter are p (30 k + r_j). They lie in byte k p + c_j, where
// c_j = floor(p r_j / 30) < p, and in a bit that depends only on p's own residue. So one loop that
// advances by p bytes clears eight bits a turn, with masks that are compile-time constants.

#include "nativeconc/kernels/count_primes.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>
#include <vector>

#include "nativeconc/pool/parallel_for.hpp"

namespace nativeconc::kernels {
namespace {

constexpr std::int64_t kWheel = 30;
constexpr int kSpokes = 8;
constexpr std::array<std::int64_t, kSpokes> kResidues = {1, 7, 11, 13, 17, 19, 23, 29};

constexpr std::int64_t kSegmentBytes = 32'768;  // fits the first-level cache
constexpr std::int64_t kSegmentsPerChunk = 8;
constexpr std::int64_t kChunkBytes = kSegmentsPerChunk * kSegmentBytes;

constexpr int spoke_of(std::int64_t residue) {
  for (int i = 0; i < kSpokes; ++i) {
    if (kResidues[static_cast<std::size_t>(i)] == residue) return i;
  }
  return -1;
}

// The primes that need no sieving: 2, 3, 5 by the layout; 7, 11, 13 by a pattern that repeats.
constexpr std::array<std::int64_t, 6> kSmallPrimes = {2, 3, 5, 7, 11, 13};
constexpr std::int64_t kPatternBytes = 7 * 11 * 13;

constexpr std::array<std::uint8_t, kPatternBytes> make_pattern() {
  std::array<std::uint8_t, kPatternBytes> pattern{};
  for (std::int64_t b = 0; b < kPatternBytes; ++b) {
    unsigned bits = 0;
    for (int i = 0; i < kSpokes; ++i) {
      const std::int64_t number = kWheel * b + kResidues[static_cast<std::size_t>(i)];
      if (number % 7 != 0 && number % 11 != 0 && number % 13 != 0) bits |= 1U << i;
    }
    pattern[static_cast<std::size_t>(b)] = static_cast<std::uint8_t>(bits);
  }
  return pattern;
}
constexpr std::array<std::uint8_t, kPatternBytes> kPattern = make_pattern();

void fill_with_pattern(std::uint8_t* sieve, std::int64_t first_byte, std::int64_t bytes) {
  std::int64_t phase = first_byte % kPatternBytes;
  while (bytes > 0) {
    const std::int64_t run = std::min(bytes, kPatternBytes - phase);
    std::memcpy(sieve, kPattern.data() + phase, static_cast<std::size_t>(run));
    sieve += run;
    bytes -= run;
    phase = 0;
  }
}

// The primes above 13 to sieve with, by residue, ascending in each list.
struct SievingPrimes {
  std::array<std::vector<std::uint32_t>, kSpokes> by_spoke;

  // How many of a list have a square of at most `highest`.
  std::size_t needed(int spoke, std::int64_t highest) const {
    const auto& primes = by_spoke[static_cast<std::size_t>(spoke)];
    const auto end = std::partition_point(primes.begin(), primes.end(), [&](std::uint32_t p) {
      return static_cast<std::int64_t>(p) * p <= highest;
    });
    return static_cast<std::size_t>(end - primes.begin());
  }
};

SievingPrimes sieving_primes_up_to(std::int64_t root) {
  SievingPrimes primes;
  std::vector<bool> composite(static_cast<std::size_t>(root) + 1);
  for (std::int64_t i = 3; i <= root; i += 2) {
    if (composite[static_cast<std::size_t>(i)]) continue;
    for (std::int64_t k = i * i; k <= root; k += 2 * i)
      composite[static_cast<std::size_t>(k)] = true;
    if (i > kSmallPrimes.back()) {
      primes.by_spoke[static_cast<std::size_t>(spoke_of(i % kWheel))].push_back(
          static_cast<std::uint32_t>(i));
    }
  }
  return primes;
}

std::int64_t integer_sqrt(std::int64_t n) {
  auto root = static_cast<std::int64_t>(std::sqrt(static_cast<double>(n)));
  while (root * root > n) --root;
  while ((root + 1) * (root + 1) <= n) ++root;
  return root;
}

// For a prime of residue kResidues[spoke]: the bit that multiple p (30 k + r_j) clears, and the
// part of c_j that comes from p's residue.
template <int spoke>
struct Spokes {
  static constexpr std::int64_t product(int j) {
    return kResidues[spoke] * kResidues[static_cast<std::size_t>(j)];
  }
  static constexpr std::uint8_t mask(int j) {
    return static_cast<std::uint8_t>(~(1U << spoke_of(product(j) % kWheel)));
  }
  static constexpr std::int64_t carry(int j) { return product(j) / kWheel; }
};

// Clears the multiples of p in sieve[0 .. bytes). `block` is where, relative to the sieve, the
// first group of eight begins that may reach into it: -p < block. Returns the same for the bytes
// that follow, still relative to this sieve.
template <int spoke>
std::int64_t clear_multiples(std::uint8_t* sieve, std::int64_t bytes, std::int64_t p,
                             std::int64_t block) {
  using S = Spokes<spoke>;
  const std::int64_t turns = p / kWheel;
  const std::int64_t c[kSpokes] = {
      turns * kResidues[0] + S::carry(0), turns * kResidues[1] + S::carry(1),
      turns * kResidues[2] + S::carry(2), turns * kResidues[3] + S::carry(3),
      turns * kResidues[4] + S::carry(4), turns * kResidues[5] + S::carry(5),
      turns * kResidues[6] + S::carry(6), turns * kResidues[7] + S::carry(7)};
  constexpr std::uint8_t m[kSpokes] = {S::mask(0), S::mask(1), S::mask(2), S::mask(3),
                                       S::mask(4), S::mask(5), S::mask(6), S::mask(7)};
  const auto clear_within = [&](std::int64_t at) {
    for (int j = 0; j < kSpokes; ++j) {
      if (at + c[j] >= 0 && at + c[j] < bytes) sieve[at + c[j]] &= m[j];
    }
  };
  if (block < 0) {
    clear_within(block);
    if (block + c[7] >= bytes) return block;
    block += p;
  }
  for (; block + c[7] < bytes; block += p) {
    std::uint8_t* const group = sieve + block;
    group[c[0]] &= m[0];
    group[c[1]] &= m[1];
    group[c[2]] &= m[2];
    group[c[3]] &= m[3];
    group[c[4]] &= m[4];
    group[c[5]] &= m[5];
    group[c[6]] &= m[6];
    group[c[7]] &= m[7];
  }
  if (block < bytes) clear_within(block);
  return block;
}

std::int64_t count_bits(const std::uint8_t* sieve, std::int64_t bytes) {
  std::int64_t count = 0;
  std::int64_t i = 0;
  for (; i + 8 <= bytes; i += 8) {
    std::uint64_t word;
    std::memcpy(&word, sieve + i, sizeof word);
    count += std::popcount(word);
  }
  for (; i < bytes; ++i) count += std::popcount(sieve[i]);
  return count;
}

// One thread's share of the work: some consecutive segments.
class Chunk {
 public:
  Chunk(const SievingPrimes& primes, std::int64_t n, std::int64_t first_byte)
      : primes_(primes), n_(n), first_byte_(first_byte) {
    end_byte_ = std::min(first_byte + kChunkBytes, n / kWheel + 1);
    for (int spoke = 0; spoke < kSpokes; ++spoke) {
      needed_[static_cast<std::size_t>(spoke)] =
          primes.needed(spoke, std::min(n, end_byte_ * kWheel));
    }
  }

  // False: out of memory, or stopped.
  bool count(const pool::Checkpoint& checkpoint, std::int64_t& out, bool& out_of_memory) {
    const std::size_t total = std::accumulate(needed_.begin(), needed_.end(), std::size_t{0});
    blocks_.reset(new (std::nothrow) std::int32_t[total]);
    sieve_.reset(new (std::nothrow) std::uint8_t[kSegmentBytes]);
    out_of_memory = blocks_ == nullptr || sieve_ == nullptr;
    if (out_of_memory) return false;

    // Those sieved with lie in the first chunk and clear themselves there.
    out = first_byte_ == 0 ? static_cast<std::int64_t>(total) : 0;
    for (std::int64_t byte = first_byte_; byte < end_byte_; byte += kSegmentBytes) {
      if (byte != first_byte_ && checkpoint.stop()) return false;
      out += count_segment(byte, std::min(kSegmentBytes, end_byte_ - byte));
    }
    return true;
  }

 private:
  std::int64_t count_segment(std::int64_t byte, std::int64_t bytes) {
    fill_with_pattern(sieve_.get(), byte, bytes);
    if (byte == 0) sieve_[0] &= 0xfe;  // 1 is no prime
    std::int32_t* blocks = blocks_.get();
    blocks = clear<0>(blocks, byte, bytes);
    blocks = clear<1>(blocks, byte, bytes);
    blocks = clear<2>(blocks, byte, bytes);
    blocks = clear<3>(blocks, byte, bytes);
    blocks = clear<4>(blocks, byte, bytes);
    blocks = clear<5>(blocks, byte, bytes);
    blocks = clear<6>(blocks, byte, bytes);
    clear<7>(blocks, byte, bytes);
    if (byte + bytes == n_ / kWheel + 1) {  // the last byte may reach beyond n
      for (int i = 0; i < kSpokes; ++i) {
        if (kResidues[static_cast<std::size_t>(i)] > n_ % kWheel) {
          sieve_[static_cast<std::size_t>(bytes - 1)] &= static_cast<std::uint8_t>(~(1U << i));
        }
      }
    }
    return count_bits(sieve_.get(), bytes);
  }

  template <int spoke>
  std::int32_t* clear(std::int32_t* blocks, std::int64_t byte, std::int64_t bytes) {
    const std::uint32_t* const primes = primes_.by_spoke[spoke].data();
    const std::size_t needed = needed_[spoke];
    for (std::size_t i = 0; i < needed; ++i) {
      const std::int64_t p = primes[i];
      const std::int64_t block = byte == first_byte_ ? -(byte % p) : blocks[i];
      blocks[i] =
          static_cast<std::int32_t>(clear_multiples<spoke>(sieve_.get(), bytes, p, block) - bytes);
    }
    return blocks + needed;
  }

  const SievingPrimes& primes_;
  const std::int64_t n_;
  const std::int64_t first_byte_;
  std::int64_t end_byte_;
  std::array<std::size_t, kSpokes> needed_;
  std::unique_ptr<std::int32_t[]> blocks_;  // where each prime goes on in the next segment
  std::unique_ptr<std::uint8_t[]> sieve_;
};

}  // namespace

pool::Outcome count_primes(std::int64_t n, const pool::Execution& execution, std::int64_t& out) {
  std::int64_t total = std::count_if(kSmallPrimes.begin(), kSmallPrimes.end(),
                                     [&](std::int64_t p) { return p <= n; });
  if (n <= kSmallPrimes.back()) {
    out = total;
    return pool::Outcome::done;
  }
  const SievingPrimes primes = sieving_primes_up_to(integer_sqrt(n));
  const std::int64_t n_chunks = (n / kWheel) / kChunkBytes + 1;
  std::vector<std::int64_t> counts(static_cast<std::size_t>(n_chunks), 0);
  std::atomic<bool> out_of_memory{false};
  const pool::Outcome outcome = pool::parallel_for(
      n_chunks, execution, [&](std::int64_t index, const pool::Checkpoint& checkpoint) {
        Chunk chunk(primes, n, index * kChunkBytes);
        std::int64_t found = 0;
        bool failed = false;
        if (chunk.count(checkpoint, found, failed)) counts[static_cast<std::size_t>(index)] = found;
        // Relaxed: published, like the counts, by the end of the run.
        if (failed) out_of_memory.store(true, std::memory_order_relaxed);
      });
  if (out_of_memory.load(std::memory_order_relaxed)) throw std::bad_alloc();
  if (outcome == pool::Outcome::done) {
    out = std::accumulate(counts.begin(), counts.end(), total);
  }
  return outcome;
}

double count_primes_estimated_ns(std::int64_t n) {
  return 1000.0 + 0.6 * static_cast<double>(std::max<std::int64_t>(n, 0));
}

}  // namespace nativeconc::kernels
