// The processes of a demo: how they end, and that none is left, in the group of its command or out of it.

#include "cli/demo_process.h"

#include <cerrno>
#include <filesystem>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "catch.h"
#include "common/base/number.h"
#include "common/base/strings.h"
#include "common/fs/files.h"
#include "folder.h"

using namespace facteur;
using cli::Command;

namespace {

constexpr int no_keep = -1;
constexpr Seconds patience{10};

struct Folder : test::Folder {
  [[nodiscard]] std::string file(const std::string& name) const { return path + "/" + name; }
};

/// The demo's signals. A child that has not become its program yet must not run the handlers of the tests' main.
struct OwnSignals : cli::Signals {
  OwnSignals() {
    for (const int signal : {SIGINT, SIGTERM}) (void)std::signal(signal, SIG_DFL);
    while (take() != 0) {
    }
  }
};

template <class Done>
bool within_patience(Done done) {
  for (const auto deadline = monotonic_now() + patience; monotonic_now() < deadline; ::usleep(5000)) {
    if (done()) return true;
  }
  return false;
}

pid_t start(const std::string& text, const cli::Signals& signals) {
  return cli::start_process({"/bin/sh", "-c", text}, {}, signals);
}

/// Its status when it has ended, waited for.
std::optional<int> status_of(pid_t child) {
  std::optional<int> status;
  (void)within_patience([&] { return (status = cli::ended(child)).has_value(); });
  return status;
}

std::optional<int> status_of(Command& command) {
  std::optional<int> status;
  (void)within_patience([&] { return (status = command.status()).has_value(); });
  return status;
}

/// The number that a process wrote to a file, waited for.
pid_t pid_in(const std::string& path) {
  std::optional<pid_t> pid;
  (void)within_patience([&] {
    const auto text = fs::read_file(path);
    if (text && text->ends_with('\n')) pid = parse_number<pid_t>(trim(*text));
    return pid.has_value();
  });
  return pid.value_or(0);
}

bool is_gone(pid_t pid) {
  return pid > 0 && ::kill(pid, 0) < 0 && errno == ESRCH;
}

bool without_children() {
  return ::waitpid(-1, nullptr, WNOHANG) < 0 && errno == ECHILD;
}

}  // namespace

TEST_CASE("a status is what a shell says of it") {
  const OwnSignals signals;
  CHECK(status_of(start("exit 0", signals)) == 0);
  CHECK(status_of(start("exit 255", signals)) == 255);
  CHECK(status_of(start("kill -TERM $$", signals)) == 128 + SIGTERM);
  CHECK(status_of(start("kill -KILL $$", signals)) == 128 + SIGKILL);
  CHECK(cli::shell_status(W_EXITCODE(3, 0)) == 3);
  CHECK(cli::shell_status(W_EXITCODE(0, SIGABRT)) == 128 + SIGABRT);
  CHECK(cli::shell_status(W_EXITCODE(0, SIGSEGV) | WCOREFLAG) == 128 + SIGSEGV);
}

TEST_CASE("a child has ended once, and not before") {
  const OwnSignals signals;
  const pid_t child = start("kill -STOP $$; exit 7", signals);
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(child), &info, WSTOPPED | WNOWAIT) == 0);
  CHECK(cli::ended(child) == std::nullopt);
  ::kill(child, SIGCONT);
  CHECK(status_of(child) == 7);
  CHECK(cli::ended(child) == std::nullopt);
  CHECK(cli::ended(::getppid()) == std::nullopt);  // no child of ours
}

TEST_CASE("a process has a group and an environment of its own, and hears the signals that we block") {
  const OwnSignals signals;
  const Folder folder;
  const pid_t child = start("exec sleep 60", signals);
  CHECK(::getpgid(child) == child);
  CHECK(::kill(child, SIGTERM) == 0);
  CHECK(status_of(child) == 128 + SIGTERM);

  const pid_t says = cli::start_process({"/bin/sh", "-c", "printf %s \"$GREETING\" > \"$FILE\""},
                                        {{"GREETING", "a b; $(c)"}, {"FILE", folder.file("said")}}, signals);
  CHECK(status_of(says) == 0);
  CHECK(fs::read_file(folder.file("said")) == "a b; $(c)");
  CHECK(status_of(cli::start_process({"/nonexistent/program"}, {}, signals)) == EX_OSERR);
}

TEST_CASE("signals are told in turn; without one a wait ends in time") {
  const OwnSignals signals;
  CHECK(signals.take() == 0);
  CHECK(signals.wait(Milliseconds{1}) == 0);
  ::kill(::getpid(), SIGHUP);
  CHECK(signals.wait(Milliseconds{1000}) == SIGHUP);
  CHECK(signals.take() == 0);
}

TEST_CASE("a command that has ended gives its status; end() does not change it") {
  const OwnSignals signals;
  Command command("exit 5", {}, signals);
  REQUIRE(command.started());
  CHECK(status_of(command) == 5);
  CHECK(command.end(no_keep) == 5);
  CHECK(command.status() == 5);
  CHECK(without_children());
}

TEST_CASE("the status is the command's own, not that of what it left behind") {
  const OwnSignals signals;
  Command command("sh -c 'exit 9' & wait; exit 4", {}, signals);
  CHECK(status_of(command) == 4);
  CHECK(command.end(no_keep) == 4);
}

TEST_CASE("end() ends the group: children, their children, and what is stopped") {
  const OwnSignals signals;
  const Folder folder;
  Command command(
      "cd '" + folder.path + "'; echo $$ > first; sh -c 'echo $$ > second; kill -STOP $$; sleep 60' & sleep 60", {},
      signals);
  const pid_t first = pid_in(folder.file("first"));
  const pid_t second = pid_in(folder.file("second"));
  CHECK(command.status() == std::nullopt);
  CHECK(command.end(no_keep) == 128 + SIGTERM);
  CHECK(is_gone(first));
  CHECK(is_gone(second));
  CHECK(without_children());
}

TEST_CASE("a command that is stopped goes on to hear that it shall end") {
  const OwnSignals signals;
  const Folder folder;
  Command command("echo $$ > '" + folder.file("pid") + "'; kill -STOP $$; sleep 60", {}, signals);
  const auto status_file = "/proc/" + std::to_string(pid_in(folder.file("pid"))) + "/stat";
  REQUIRE(within_patience([&] { return fs::read_file(status_file).value_or("").contains(") T "); }));
  CHECK(command.status() == std::nullopt);
  CHECK(command.end(no_keep) == 128 + SIGTERM);
  CHECK(without_children());
}

TEST_CASE("end() ends what left the group, before and after its parent ended") {
  const OwnSignals signals;
  const Folder folder;
  Command command("cd '" + folder.path +
                      "'; setsid sh -c 'echo $$ > orphan; exec sleep 60' & "
                      "setsid sh -c 'setsid sleep 60 & echo $! > grandchild; wait' & "
                      "while [ ! -s orphan ] || [ ! -s grandchild ]; do sleep 0.01; done; exit 6",
                  {}, signals);
  const pid_t orphan = pid_in(folder.file("orphan"));
  const pid_t grandchild = pid_in(folder.file("grandchild"));
  CHECK(status_of(command) == 6);
  CHECK_FALSE(is_gone(orphan));
  CHECK(command.end(no_keep) == 6);
  CHECK(is_gone(orphan));
  CHECK(is_gone(grandchild));
  CHECK(without_children());
}

TEST_CASE("end() leaves alone what is to be kept") {
  const OwnSignals signals;
  const pid_t kept = start("exec sleep 60", signals);
  Command command("sleep 60", {}, signals);
  CHECK(command.end(kept) == 128 + SIGTERM);
  CHECK(cli::ended(kept) == std::nullopt);
  CHECK(::kill(kept, 0) == 0);
  ::kill(kept, SIGKILL);
  CHECK(status_of(kept) == 128 + SIGKILL);
}

TEST_CASE("what does not listen to SIGTERM is killed") {
  const OwnSignals signals;
  const Folder folder;
  Command command("cd '" + folder.path + "'; trap '' TERM; echo $$ > first; while :; do sleep 60; done", {}, signals);
  const pid_t first = pid_in(folder.file("first"));
  CHECK(command.end(no_keep) == 128 + SIGKILL);
  CHECK(is_gone(first));
  CHECK(without_children());
}

TEST_CASE("a signal is passed on to all of the group") {
  const OwnSignals signals;
  const Folder folder;
  Command command("cd '" + folder.path +
                      "'; trap 'exit 21' TERM; sh -c \"trap 'echo heard > child; exit' TERM; echo ready > ready; "
                      "while :; do sleep 0.01; done\" & while :; do sleep 0.01; done",
                  {}, signals);
  REQUIRE(within_patience([&] { return std::filesystem::exists(folder.file("ready")); }));
  command.tell(SIGTERM);
  CHECK(status_of(command) == 21);
  (void)command.end(no_keep);
  CHECK(without_children());
}
