// SPDX-FileCopyrightText: The nativeconc authors
// SPDX-License-Identifier: BSD-3-Clause

#include "nativeconc/kernels/pairwise_tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace nativeconc::kernels {
namespace {

// "Adds" by writing down the tree.
struct Term {
  std::string text;
  friend Term operator+(const Term& a, const Term& b) { return {"(" + a.text + b.text + ")"}; }
};

std::vector<Term> letters(int n) {
  std::vector<Term> terms;
  for (int i = 0; i < n; ++i) terms.push_back({std::string(1, static_cast<char>('a' + i))});
  return terms;
}

std::string tree_of(std::vector<Term> terms) {
  return pairwise_sum_in_place(terms.data(), static_cast<std::int64_t>(terms.size())).text;
}

TEST(PairwiseTree, AddsNeighboursFirst) {
  EXPECT_EQ(tree_of(letters(1)), "a");
  EXPECT_EQ(tree_of(letters(2)), "(ab)");
  EXPECT_EQ(tree_of(letters(3)), "((ab)c)");
  EXPECT_EQ(tree_of(letters(5)), "(((ab)(cd))e)");
  EXPECT_EQ(tree_of(letters(7)), "(((ab)(cd))((ef)g))");
}

TEST(PairwiseTree, IsTheSameWhenCutAtPowersOfTwo) {
  for (int n = 1; n <= 26; ++n) {
    for (int cut = 1; cut <= 8; cut *= 2) {
      const std::vector<Term> terms = letters(n);
      std::vector<Term> partials;
      for (int i = 0; i < n; i += cut) {
        partials.push_back({tree_of({terms.begin() + i, terms.begin() + std::min(n, i + cut)})});
      }
      EXPECT_EQ(tree_of(partials), tree_of(terms)) << n << " cut at " << cut;
    }
  }
}

}  // namespace
}  // namespace nativeconc::kernels
