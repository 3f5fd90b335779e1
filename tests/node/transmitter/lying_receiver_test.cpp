// A receiver that lies: a transmitter believes no answer that cannot be, and says why it was
// refused.
#include "tests/node/receiver/stranger.h"
#include "tests/node/two_nodes.h"

namespace semwave {
namespace {

/// A receiver that answers bursts, or the hello itself, with whatever it likes.
class Liar {
 public:
  explicit Liar(std::string reply, bool to_hello = false) {
    thread_ = std::thread([this, reply = std::move(reply), to_hello] {
      boost::system::error_code failure;
      while (!ending_) {
        boost::asio::ip::tcp::socket peer(io_);
        acceptor_.accept(peer);
        FrameReader reader(1u << 20);
        std::string bytes(65536, '\0');
        failure.clear();
        while (!failure) {
          const std::size_t got = peer.read_some(boost::asio::buffer(bytes), failure);
          reader.append(std::string_view(bytes).substr(0, got));
          for (Frame frame; reader.next(frame);) {
            if (frame.type == FrameType::hello)
              boost::asio::write(
                  peer,
                  boost::asio::buffer(
                      to_hello ? reply
                               : framed(FrameType::welcome,
                                        write(Welcome{.window = 1, .largest_burst = 1u << 20}))),
                  failure);
            if (to_hello) failure = boost::asio::error::eof;
            if (frame.type == FrameType::burst)
              boost::asio::write(peer, boost::asio::buffer(reply), failure);
          }
        }
      }
    });
  }
  ~Liar() {
    ending_ = true;
    Stranger(port()).send("");
    thread_.join();
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::acceptor acceptor_{
      io_, boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

class LyingReceiver : public Nodes {};

TEST_F(LyingReceiver, ATransmitterBelievesNoAnswerThatCannotBe) {
  nodes::Said said;
  Answer answer;
  answer.decision = 2;
  const Liar liar(framed(FrameType::answer, write(answer)));
  ClientOptions client = to(liar.port());
  client.patience_seconds = 0.3;
  client.log = said.sink();
  const ClientSummary sent = nodes::transmit(scenario(), client);
  EXPECT_EQ(sent.answered, 0);
  EXPECT_TRUE(said.has("cannot be: decision 2")) << said.text();
}

TEST_F(LyingReceiver, ATransmitterThatIsRefusedSaysWhy) {
  const Liar liar(framed(FrameType::refusal, write(Refusal{RefusalCode::malformed,
                                                           "coding 25 is not within 0 to 24"})));
  const ClientSummary sent = nodes::transmit(scenario(), to(liar.port()));
  EXPECT_NE(sent.failure.find("refuses: coding 25"), std::string::npos) << sent.failure;
}

TEST_F(LyingReceiver, ARefusalOfTheScenarioNeedsNoStatement) {
  const std::string refusal =
      framed(FrameType::refusal, write(Refusal{RefusalCode::scenario, "it differs"}));
  const auto failure_after = [&](const std::string& reply) {
    const Liar liar(reply, true);
    return nodes::transmit(scenario(), to(liar.port())).failure;
  };
  EXPECT_TRUE(failure_after(refusal).ends_with(" refuses: it differs"));  // of an earlier version
  const std::string escape = write(Statement{.lines = {{"/seed", "\x1b[2J"}}});
  EXPECT_TRUE(failure_after(refusal + framed(FrameType::statement, escape))
                  .ends_with(" refuses: it differs"));
  EXPECT_TRUE(
      failure_after(refusal + "garbage that is no frame").ends_with(" refuses: it differs"));
}

}  // namespace
}  // namespace semwave
