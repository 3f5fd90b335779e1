// Base graphs, lifting sizes, segmentation and rate matching.
#include "phy/code/ldpc/nr_ldpc.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>

#include "core/base/sha256.h"
#include "core/config/json.h"
#include "phy/numerics.h"

namespace semwave {
namespace {

constexpr int lifting_sets = 8;

struct BaseEdge {
  std::int32_t row, column;
  std::array<std::int32_t, lifting_sets> shifts;
};

#include "phy/code/ldpc/nr_base_graphs.inc"

constexpr int core_rows = 4;
constexpr float certain = 1e6f;  // soft bit of a zero that both ends know

/// A lifting size is one of these times a power of two; which one says which set of shifts it has.
constexpr std::array<int, lifting_sets> lifting_factors = {2, 3, 5, 7, 9, 11, 13, 15};

std::span<const BaseEdge> edges_of(NrGraph graph) {
  if (graph == NrGraph::first) return graph_1;
  return graph_2;
}

int smallest_lift(int at_least) {
  int best = largest_lift;
  for (const int factor : lifting_factors) {
    int lift = factor;
    while (lift < at_least) lift *= 2;
    best = std::min(best, lift);
  }
  return best;
}

std::size_t set_of(int lift) {
  const int odd = lift >> std::countr_zero(static_cast<unsigned>(lift));
  return static_cast<std::size_t>(
      std::find(lifting_factors.begin(), lifting_factors.end(), odd == 1 ? 2 : odd) -
      lifting_factors.begin());
}

/// Columns that a message is spread over when its lifting size is chosen (clause 5.2.2).
int message_columns(NrGraph graph, int message) {
  if (graph == NrGraph::first) return 22;
  return message > 640 ? 10 : message > 560 ? 9 : message > 192 ? 8 : 6;
}

/// The runs in which the sent bits stand in the codeword: run(sent, position, count).
template <class Run>
void each_run(const NrBlock& block, const Run& run) {
  for (int from = 0; from < block.sent; from += block.buffer) {
    const int count = std::min(block.buffer, block.sent - from),
              before = std::min(block.before_filler, count);
    run(from, block.unsent(), before);
    run(from + before, block.unsent() + block.before_filler + block.filler, count - before);
  }
}

}  // namespace

int nr_information_columns(NrGraph graph) {
  return graph == NrGraph::first ? 22 : 10;
}
int nr_rows(NrGraph graph) {
  return graph == NrGraph::first ? 46 : 42;
}
int nr_largest_message(NrGraph graph) {
  return nr_information_columns(graph) * largest_lift;
}

NrGraph nr_graph(std::int64_t bits, double rate) {
  const bool second = bits <= 292 || (bits <= 3824 && rate <= 0.67) || rate <= 0.25;
  return second ? NrGraph::second : NrGraph::first;
}

int nr_least_sent(NrGraph graph, int message) {
  const int lift = nr_block(graph, message, 1).lift;
  return std::max(0, message - nr_unsent_columns * lift) + 3 * lift;
}

NrBlock nr_block(NrGraph graph, int message, int sent) {
  assert(message >= 1 && message <= nr_largest_message(graph) && sent >= 1);
  const int columns = message_columns(graph, message);
  NrBlock block{.graph = graph,
                .message = message,
                .sent = sent,
                .lift = smallest_lift((message + columns - 1) / columns)};
  const int unsent = block.unsent(), information = block.information(),
            whole = information + nr_rows(graph) * block.lift;
  block.before_filler = std::max(0, message - unsent);
  block.filler = information - unsent - block.before_filler;
  block.buffer = whole - unsent - block.filler;
  const int last = sent <= block.before_filler ? sent : sent + block.filler;
  block.codeword_length =
      sent >= block.buffer ? whole : std::max(information + core_rows * block.lift, unsent + last);
  return block;
}

std::shared_ptr<const LdpcCode> nr_ldpc(const NrBlock& block) {
  const std::size_t set = set_of(block.lift);
  QuasiCyclic blocks{
      .lift = block.lift,
      .information = nr_information_columns(block.graph),
      .core = core_rows,
      .rows = std::vector<std::vector<Circulant>>(static_cast<std::size_t>(nr_rows(block.graph)))};
  for (const BaseEdge& edge : edges_of(block.graph))
    blocks.rows[static_cast<std::size_t>(edge.row)].push_back(
        {edge.column, edge.shifts[set] % block.lift});
  return LdpcCode::quasi_cyclic(
      std::move(blocks), block.codeword_length, MinSumCorrection::offset,
      "NR LDPC (graph " + std::to_string(block.graph == NrGraph::first ? 1 : 2) + ", lift " +
          std::to_string(block.lift) + ", " + std::to_string(block.codeword_length) + " bits)");
}

void nr_select(const NrBlock& block, std::span<const std::uint8_t> codeword,
               std::span<std::uint8_t> sent) {
  each_run(block, [&](int from, int position, int count) {
    std::copy_n(codeword.begin() + position, count, sent.begin() + from);
  });
}

void nr_collect(const NrBlock& block, std::span<const float> sent, std::span<float> codeword) {
  std::fill(codeword.begin(), codeword.end(), 0.0f);
  const auto information = codeword.begin() + block.information();
  std::fill(codeword.begin() + block.message, information, certain);
  each_run(block, [&](int from, int position, int count) {
    for (int i = 0; i < count; ++i)
      codeword[static_cast<std::size_t>(position + i)] += sent[static_cast<std::size_t>(from + i)];
  });
}

std::string nr_tables_sha256() {
  Json table = Json::array();
  for (const NrGraph graph : {NrGraph::first, NrGraph::second}) {
    Json edges = Json::array();
    for (const BaseEdge& edge : edges_of(graph))
      edges.push_back({edge.row, edge.column, edge.shifts});
    table.push_back(edges);
  }
  const std::string text = canonical(table);
  return sha256(text.data(), text.size());
}

}  // namespace semwave
