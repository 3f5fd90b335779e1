// What a receiver makes of what its transmitters say, whoever carries the bytes: frames in, answers
// out, records kept, rows at the end. No socket and no clock of its own: node/receiver/server.cpp
// has those.
//
// Everything that a peer can make it hold is counted in one budget of memory. What does not fit is
// not taken.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "node/net/log_limit.h"
#include "node/receiver/monitor.h"
#include "node/receiver/party.h"
#include "node/receiver/server.h"
#include "node/record/journal.h"
#include "node/record/summary.h"

namespace semwave {

class Intake {
 public:
  /// Reads the journal of an earlier life; a record in it that does not fit the scenario is named
  /// and left out. Station and pool outlive it. `summary` counts along and outlives it too. Throws
  /// Error.
  Intake(const Station& station, ThreadPool& pool, const ServerOptions& options,
         ServerSummary& summary);

  // Conversations. A party is known from join() to leave() and stays where it is.
  void join(Party& party);
  void leave(Party& party);
  /// What there is to refuse of the first frame of a conversation; nothing: the party has its
  /// hello.
  std::optional<Refusal> judge(Party& party, const Frame& first, bool ending) const;
  /// From here on it may send bursts.
  Welcome welcome(Party& party);
  /// A frame of a greeted party; false where it is none that has its place here. What there is to
  /// say stands in its outbox.
  bool take(Party& party, const Frame& frame);
  /// A datagram of one that may send them, unsealed.
  void take(Party& party, Datagram datagram);
  /// Bursts that have waited for their datagrams for long enough go without what is missing.
  /// `more`: some are on their way through the kernel; they are waited for within bounds, since
  /// somebody may see to it that there always are.
  void close_assemblies(Party& party, NodeClock::time_point now, bool more);
  /// It is not read from: the window is spent, it does not read its answers, or memory is short and
  /// it has images waiting.
  bool full(const Party& party) const;
  /// Says why in its outbox and hears nothing more of it.
  void refuse(Party& party, const Refusal& refusal);

  // Images.
  std::size_t queued() const { return queued_; }
  /// When the oldest of them came.
  NodeClock::time_point oldest() const;
  struct Turn {
    Waiting waiting;
    Party* party;
  };
  /// At most a batch: one image of each party in turn, beginning behind the one that was served
  /// last.
  std::vector<Turn> collect();
  /// Heard, recorded, answered; the journal has them before the outboxes do.
  void hear(std::vector<Turn>& turns);
  /// `count` images are recorded: no other is taken.
  bool enough() const { return options_.count > 0 && summary_.images >= options_.count; }
  /// Every answer has its receipt.
  bool settled() const { return open_ == 0; }

  // Memory, in bytes.
  /// What a peer's buffers take now; to be called when they have changed.
  void settle(Party& party);
  std::size_t held() const { return held_ + kept_; }
  std::size_t most() const { return most_; }
  bool affords(std::size_t bytes) const { return held() + bytes <= most_; }
  /// What taking the frame at hand may need at most; 0 where none is whole.
  std::size_t cost_of_next(const Party& party) const;
  std::size_t identities() const { return pasts_.size(); }

  /// To the disk, where anything has been recorded since.
  void sync();
  /// Rows and records, into the summary. The last call.
  void finish();

  Monitor& monitor() { return monitor_; }
  LogLimit& words() { return words_; }

 private:
  Hello owner() const;  // of the journal
  std::string journal_path() const {
    return options_.out.empty() ? "" : options_.out + "/receiver.journal";
  }
  void log(LogLevel level, const std::string& text) const {
    if (options_.log) options_.log(level, text);
  }
  /// Whether a record of the journal is one of this scenario; it is named where it is not.
  bool fits(const Record& record);
  bool take_burst(Party& party, std::string_view body);
  void take_receipt(Party& party, const std::vector<ImageKey>& receipt);
  /// The frame of a burst opens its assembly, its symbols fill it, time or the last of them closes
  /// it.
  void announce(Party& party, Waiting waiting);
  static void fill(Assembly& assembly, const Datagram& datagram);
  void note_late(const Party& party, const Datagram& datagram);
  using AssemblyAt = std::map<ImageKey, Assembly>::iterator;
  /// Into the queue where its frame has come, away where it has not.
  AssemblyAt close(Party& party, AssemblyAt assembly);
  void enqueue(Party& party, Waiting waiting);
  /// Memory that a party's images take, from frame or datagram to batch.
  void charge(Party& party, std::size_t bytes);
  void release(Party& party, std::size_t bytes);
  /// What a burst takes until it is answered.
  std::size_t memory_of(const BurstMessage& burst) const;
  std::size_t answer_bytes() const;
  Past& past_of(const NodeId& node);
  void keep(const Record& record);
  /// The frame of an answer, kept until its receipt comes.
  std::string open_answer(const NodeId& node, const Answer& answer);
  void forget(Past& past, std::map<ImageKey, std::string>::iterator answer);
  /// Answers of transmitters that are not here, until the others have room: what is asked for again
  /// is heard again.
  void forget_absent();
  void feed_back(Party& party, const Incoming& image);

  const Station& station_;
  ThreadPool& pool_;
  ServerOptions options_;
  Hearing hearing_;
  Monitor monitor_;
  LogLimit words_;
  std::unique_ptr<Journal> journal_;
  std::vector<Party*> parties_;
  std::map<NodeId, int> here_;  // greeted parties by identity
  std::map<NodeId, Past> pasts_;
  std::deque<Record> records_;  // without a folder
  LateSymbols late_;
  NodeId forgotten_{};  // where forget_absent() goes on
  std::size_t cursor_ = 0, queued_ = 0, open_ = 0;
  std::size_t most_ = 0, held_ = 0, kept_ = 0,
              answers_ =
                  0;  // bytes: of conversations; of what outlasts them, of that the open answers
  std::int64_t most_images_ = 0;
  std::size_t most_symbols_ = 0;
  NodeClock::time_point first_{}, last_{};  // burst taken, image recorded
  bool unsynced_ = false;
  ServerSummary& summary_;
};

}  // namespace semwave
