#include "master/control.h"

#include <algorithm>
#include <array>
#include <grp.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>
#include <vector>

#include "auth/doors.h"
#include "common/base/strings.h"
#include "common/log/log.h"

namespace facteur::master {
namespace {

/// Connections that have not said yet what they want, or wait for an answer: of one uid, and of all that are not
/// privileged.
constexpr std::ptrdiff_t max_of_a_uid = 8;
constexpr std::ptrdiff_t max_unprivileged = 64;
constexpr Seconds patience{30};
constexpr Milliseconds sweep_period{5000};
constexpr std::size_t max_shown_path = 1024;

/// Verbs of the queue that every local user may use; the others need privilege, which queued checks again.
bool queue_verb_for_all(std::string_view verb) {
  return verb == "queue list";
}

bool is_in_group(int socket, const std::string& name) {
  const group* wanted = name.empty() ? nullptr : ::getgrnam(name.c_str());
  if (wanted == nullptr) return false;
  std::vector<gid_t> groups(256);
  socklen_t size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) < 0) return false;
  groups.resize(size / sizeof(gid_t));
  return std::ranges::find(groups, wanted->gr_gid) != groups.end();
}

/// One line of JSON; the names of programs need no escaping.
std::string describe(const Child& child) {
  const auto age = std::chrono::duration_cast<Seconds>(monotonic_now() - child.started).count();
  return fmt::format(
      R"({{"program":"{}","pid":{},"uid":{},"generation":{},"ready":{},"retiring":{},"age":{},"served":{}}})",
      child.program, child.pid, child.uid, child.generation, child.ready, child.retiring, age, child.sessions);
}

}  // namespace

const std::array<Control::Verb, 3> Control::verbs{{
    {"status", true, false, &Control::status},
    {"reload", false, true, &Control::reload},
    {"tables", false, true, &Control::tables},
}};

Control::Control(loop::Loop& loop, Supervisor& supervisor, std::function<Result<>()> reload)
    : loop_(loop), supervisor_(supervisor), reload_(std::move(reload)) {
}

Result<> Control::open() {
  auto socket = net::listen_unix(supervisor_.settings().run_directory + "/control", true, 0666);
  if (!socket) return fail(socket);
  acceptor_ = std::make_unique<net::Acceptor>(loop_, std::move(*socket));
  acceptor_->open([this](Fd client) { accept(std::move(client)); });
  timer_.repeat(sweep_period, [this] { hang_up_late(); });
  return {};
}

void Control::attach(Child& child) {
  if (child.program != "authd") return;
  child.door->on<auth::TablesReloaded>([this](const auth::TablesReloaded& reloaded) {
    for (auto& caller : callers_) {
      if (caller.gone || caller.tables_question != reloaded.id) continue;
      caller.door->send(ControlDone{reloaded.problems.empty() ? EX_OK : EX_DATAERR, reloaded.problems});
    }
  });
}

void Control::accept(Fd client) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(client.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0) return;
  const bool privileged = credentials.uid == 0 || credentials.uid == ::geteuid() ||
                          is_in_group(client.get(), supervisor_.settings().admin_group);
  if (!privileged && !has_room_for(credentials.uid)) return;
  Caller& caller = callers_.emplace_back();
  caller.uid = credentials.uid;
  caller.privileged = privileged;
  caller.door = std::make_unique<ipc::Door>(loop_, std::move(client), "control");
  caller.door->on<ControlRequest>([this, &caller](const ControlRequest& request) { take(caller, request); });
  caller.door->on_close([this, &caller](const std::string&) {
    caller.gone = true;
    loop_.post([this] { sweep(); });
  });
  caller.door->open();
}

/// Nobody without privilege can keep the others out.
bool Control::has_room_for(std::uint32_t uid) const {
  const auto of_uid = std::ranges::count(callers_, uid, &Caller::uid);
  return of_uid < max_of_a_uid && std::ranges::count(callers_, false, &Caller::privileged) < max_unprivileged;
}

/// Two installations can share a run_directory by mistake: who asked with the settings of the other one shall not
/// believe that they were taken.
bool Control::is_meant(const ControlRequest& request) const {
  return request.arguments.empty() || request.arguments[0] == supervisor_.settings().queue_directory;
}

void Control::hang_up_late() {
  for (auto& caller : callers_) {
    if (!caller.gone && monotonic_now() - caller.since > patience) caller.door->close("it took too long");
  }
}

void Control::sweep() {
  std::erase_if(callers_, [](const Caller& caller) { return caller.gone; });
}

void Control::take(Caller& caller, const ControlRequest& request) {
  const auto refuse = [&](int code, std::string why) { caller.door->send(ControlDone{code, std::move(why)}); };
  const bool queue_verb = request.verb.starts_with("queue ");
  const auto verb = std::ranges::find(verbs, request.verb, &Verb::name);
  if (!queue_verb && verb == verbs.end()) return refuse(EX_USAGE, "there is no request \"" + request.verb + "\"");
  const bool for_all = queue_verb ? queue_verb_for_all(request.verb) : verb->for_all;
  if (!for_all && !caller.privileged) {
    return refuse(EX_NOPERM,
                  "\"" + request.verb + "\" is for root and the group " + supervisor_.settings().admin_group);
  }
  if (queue_verb) return pass_to_queued(caller, request);
  if (verb->of_settings && !is_meant(request)) {
    return refuse(EX_CONFIG, "the facteurd that answers serves the queue_directory " +
                                 supervisor_.settings().queue_directory + ", these settings name " +
                                 printable(request.arguments[0], max_shown_path) +
                                 ": ask with the settings of that facteurd, or restart it with these");
  }
  (this->*verb->handle)(caller, request);
}

void Control::status(Caller& caller, const ControlRequest&) {
  for (const auto& child : supervisor_.children()) caller.door->send(ControlText{describe(child)});
  caller.door->send(ControlDone{supervisor_.all_ready() ? EX_OK : EX_TEMPFAIL, {}});
}

/// authd has the new settings before it is asked, and tells what is wrong with the tables that they name.
void Control::reload(Caller& caller, const ControlRequest& request) {
  const auto reloaded = reload_();
  if (reloaded) return tables(caller, request);
  caller.door->send(ControlDone{EX_CONFIG, reloaded.error().text});
}

void Control::tables(Caller& caller, const ControlRequest&) {
  Child* authd = supervisor_.current("authd");
  caller.tables_question = ++last_question_;
  if (authd == nullptr || !authd->door->send(auth::ReloadTables{caller.tables_question})) {
    caller.door->send(ControlDone{EX_TEMPFAIL, "authd does not answer; try again"});
  }
}

void Control::pass_to_queued(Caller& caller, const ControlRequest& request) {
  Child* queued = supervisor_.current("queued");
  ControlCaller passed{request.verb, request.arguments, caller.uid, caller.privileged, caller.door->duplicate()};
  if (queued == nullptr || !queued->door->send(std::move(passed))) {
    caller.door->send(ControlDone{EX_TEMPFAIL, "queued does not answer; try again"});
    return;
  }
  // queued has the connection now; ours would only take its messages away.
  caller.door->close("passed to queued");
}

}  // namespace facteur::master
