#include "master/supervisor.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <utility>

#include "common/base/in_hand.h"
#include "common/fs/files.h"
#include "common/log/log.h"
#include "config/seal.h"
#include "master/folders.h"
#include "master/spawn.h"
#include "master/users.h"

namespace facteur::master {
namespace {

constexpr unsigned quick_deaths_allowed = 10;
/// Processes of one program beyond which a full one is followed more slowly: a flood of clients is no flood of
/// processes.
constexpr std::ptrdiff_t most_of_a_program = 100;
constexpr Milliseconds pause_when_many{1000};
constexpr Milliseconds longest_pause{60000};
constexpr Milliseconds longest_vital_pause{10000};
constexpr Milliseconds kill_margin{1000};
/// Until a broken door is made anew: by then a peer that died has been missed.
constexpr Milliseconds pair_pause{100};

const ProgramRow* row_of(std::string_view program) {
  const auto row = std::ranges::find(permanent_programs, program, &ProgramRow::name);
  return row == permanent_programs.end() ? nullptr : &*row;
}

bool are_linked(std::string_view a, std::string_view b) {
  return std::ranges::any_of(links, [&](const Link& link) {
    return (link.one == a && link.other == b) || (link.one == b && link.other == a);
  });
}

/// Whether a process has use for a door: one that retires only as long as it has clients.
bool needs_doors(const Child& child) {
  const auto* row = row_of(child.program);
  return child.door->is_open() && (!child.retiring || (row != nullptr && row->has_clients));
}

/// The jails of workers are open for these, and for what they were when a worker was born.
bool same_places(const config::Settings& a, const config::Settings& b) {
  return a.mail_location == b.mail_location && a.virtual_mail_root == b.virtual_mail_root &&
         a.index_location == b.index_location;
}

std::string describe(int status) {
  if (WIFSIGNALED(status)) return fmt::format("killed by signal {}", WTERMSIG(status));
  return fmt::format("exit status {}", WEXITSTATUS(status));
}

}  // namespace

Supervisor::Supervisor(loop::Loop& loop, bool real_root, std::string program_folder)
    : loop_(loop), real_root_(real_root), folder_(std::move(program_folder)) {
  loop_.on_signal(SIGCHLD, [this] { reap(); });
}

unsigned Supervisor::count_of(const ProgramRow& row) const {
  if (!row.one_a_core) return 1;
  if (settings_.smtpd_processes > 0) return static_cast<unsigned>(settings_.smtpd_processes);
  return std::max(1U, std::thread::hardware_concurrency());
}

Result<User> Supervisor::user_of(const ProgramRow& row) const {
  if (!real_root_) return User{::geteuid(), ::getegid()};
  return find_user(settings_.*row.user);
}

Result<> Supervisor::begin(config::Settings settings) {
  settings_ = std::move(settings);
  if (auto made = make_folders(settings_, real_root_); !made) return made;
  if (auto locked = take_lock(); !locked) return locked;
  auto sealed = config::to_sealed(settings_);
  if (!sealed) return fail(sealed);
  sealed_settings_ = std::move(*sealed);
  const auto* smtpd = row_of("smtpd");
  if (auto bound = sockets_.configure(settings_, count_of(*smtpd)); !bound) return bound;
  for (const auto& row : permanent_programs) {
    if (auto user = user_of(row); !user) return fail(user);
  }
  start_all();
  return {};
}

/// Two masters on one spool would take each other's sockets away.
Result<> Supervisor::take_lock() {
  const std::string path = settings_.queue_directory + "/master.lock";
  auto file = fs::system_files().open(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
  if (!file) return fail(file);
  if (::flock(file->get(), LOCK_EX | LOCK_NB) < 0) {
    return fail(Kind::temporary, "another facteurd serves " + settings_.queue_directory + "; stop it first");
  }
  lock_ = std::move(*file);
  return {};
}

void Supervisor::start_all() {
  for (const auto& row : permanent_programs) {
    for (unsigned index = 0; index < count_of(row); ++index) {
      if (generation_ == 0 || row.generational) start_permanent(row, index);
    }
  }
}

Result<> Supervisor::reload(config::Settings settings) {
  const auto before = settings_;
  settings_ = std::move(settings);
  auto sealed = config::to_sealed(settings_);
  auto bound = sealed ? make_folders(settings_, real_root_) : Result<>(fail(sealed));
  for (const auto& row : permanent_programs) {
    if (auto user = user_of(row); bound && !user) bound = fail(user);
  }
  // Last: what it changes it changes for good.
  if (bound) bound = sockets_.configure(settings_, count_of(*row_of("smtpd")));
  if (!bound) {
    settings_ = before;
    return bound;
  }
  sealed_settings_ = std::move(*sealed);
  ++generation_;
  if (auto opened = log_.open(settings_.log); !opened)
    log::error("the log stays where it was: {}", opened.error().text);
  log_.attach();
  const bool moved = !same_places(before, settings_);
  for (auto& child : children_) {
    const auto* row = row_of(child.program);
    if (row == nullptr && moved) {
      dismiss(child);
    } else if (row == nullptr || !row->generational) {
      child.door->send(NewSettings{sealed_settings_.duplicate()});
    }
    give_log(child);  // it may be another one
  }
  start_all();
  return {};
}

/// A worker is told to end, and another one serves from now on.
void Supervisor::dismiss(Child& worker) {
  worker.retiring = true;
  ::kill(worker.pid, SIGTERM);
}

void Supervisor::start_permanent(const ProgramRow& row, unsigned index) {
  auto user = user_of(row);
  if (!user) return log::error("cannot start {}: {}", row.name, user.error().text);
  auto& place = places_[{std::string(row.name), index}];
  place.last_start = monotonic_now();
  Birth birth{std::string(row.name), index, *user, {}, {}, sockets_.listeners_for(row.name, index), {}};
  if (start(std::move(birth)) == nullptr) restart_later(row, index, Milliseconds{1000});
}

Child* Supervisor::start_worker(Birth birth) {
  return stopping_ ? nullptr : start(std::move(birth));
}

Result<Start> Supervisor::first_message(const Birth& birth, std::uint32_t instance) {
  auto log = log_.make_end();
  Start out;
  out.instance = instance;
  out.generation = generation_;
  out.real_root = real_root_;
  out.uid = birth.user.uid;
  out.gid = birth.user.gid;
  out.user = birth.system_user;
  out.settings = sealed_settings_.duplicate();
  out.log = std::move(log.descriptor);
  out.log_framing = static_cast<std::uint8_t>(log.framing);
  out.accounts = birth.accounts;
  if (!out.settings) return fail(Kind::temporary, "no descriptor is left");
  return out;
}

Child* Supervisor::start(Birth birth) {
  const std::uint32_t instance = ++last_instance_;
  auto message = first_message(birth, instance);
  auto notes = message ? make_notes() : Result<Fd>(fail(message));
  const auto end = log_.make_end();
  const int errors = end.framing == log::Framing::line ? end.descriptor.get() : -1;
  auto spawned = notes ? spawn(folder_, birth.program, errors) : Result<Spawned>(fail(notes));
  if (!spawned) {
    log::error("{}", spawned.error().text);
    return nullptr;
  }
  Child& child = children_.emplace_back();
  child.program = birth.program;
  child.instance = instance;
  child.generation = generation_;
  child.index = birth.index;
  child.pid = spawned->pid;
  child.uid = birth.user.uid;
  child.worker_key = birth.worker_key;
  if (!birth.accounts.empty()) child.account = birth.accounts.front();
  child.door = std::make_unique<ipc::Door>(loop_, std::move(spawned->door), birth.program);
  message->listeners = std::move(birth.listeners);
  message->notes = notes->duplicate();
  child.notes = std::move(*notes);
  child.door->send(std::move(*message));
  listen_to(child);
  pair_with_peers(child);
  return &child;
}

void Supervisor::listen_to(Child& child) {
  child.door->on<Ready>([this, &child](const Ready&) { became_ready(child); });
  child.door->on<NeedLog>([this, &child](const NeedLog&) { give_log(child); });
  child.door->on<Full>([this, &child](const Full&) { succeed(child); });
  child.door->on<LostPeer>([this, &child](const LostPeer& lost) { lost_peer(child, lost.instance); });
  // A door that breaks without the process dying (a malformed message) is a process that is wrong about itself.
  child.door->on_close([&child](const std::string& why) {
    if (why != "the peer is gone") log::warning("door to {}[{}]: {}", child.program, child.pid, why);
    ::kill(child.pid, SIGKILL);
  });
  if (on_birth_) on_birth_(child);
  child.door->open();
}

void Supervisor::give_log(Child& child) {
  auto end = log_.make_end();
  if (end.descriptor) child.door->send(NewLog{std::move(end.descriptor), static_cast<std::uint8_t>(end.framing)});
}

void Supervisor::pair_with_peers(Child& child) {
  for (auto& peer : children_) {
    if (&peer != &child && needs_doors(peer) && are_linked(peer.program, child.program)) pair(child, peer);
  }
}

void Supervisor::pair(Child& one, Child& other) {
  auto ends = ipc::make_pair();
  if (!ends) {
    log::error("no door between {} and {}: {}", one.program, other.program, ends.error().text);
    return want_pair(one.instance, other.instance);
  }
  // An end that cannot be sent is closed with its message, which the other side tells us of.
  one.door->send(NewPeer{other.program, other.instance, std::move(ends->first)});
  other.door->send(NewPeer{one.program, one.instance, std::move(ends->second)});
}

/// Told by both sides, and also when one of them has died: what is to be done is seen a little later.
void Supervisor::lost_peer(const Child& child, std::uint32_t peer) {
  if (find(peer) == nullptr || stopping_) return;
  want_pair(child.instance, peer);
}

void Supervisor::want_pair(std::uint32_t one, std::uint32_t other) {
  lost_pairs_.emplace(std::min(one, other), std::max(one, other));
  if (!pair_timer_.running()) pair_timer_.start(pair_pause, [this] { pair_again(); });
}

void Supervisor::pair_again() {
  for (const auto& [first, second] : std::exchange(lost_pairs_, {})) {
    Child* one = find(first);
    Child* other = find(second);
    if (one == nullptr || other == nullptr || !are_linked(one->program, other->program)) continue;
    if (!needs_doors(*one) || !needs_doors(*other)) continue;
    log::warning("the door between {}[{}] and {}[{}] broke; they get a new one", one->program, one->pid, other->program,
                 other->pid);
    pair(*one, *other);
  }
}

void Supervisor::became_ready(Child& child) {
  if (child.ready) return;
  child.ready = true;
  places_[{child.program, child.index}].failures = 0;
  retire_older(child);
  if (on_all_ready_ && all_ready()) std::exchange(on_all_ready_, nullptr)();
}

void Supervisor::retire_older(const Child& newer) {
  const auto* row = row_of(newer.program);
  if (row == nullptr) return;
  for (auto& child : children_) {
    if (child.program != newer.program || child.generation >= newer.generation || child.retiring) continue;
    // One beyond the number of a smaller generation has no successor of its own.
    if (child.index != newer.index && child.index < count_of(*row)) continue;
    child.retiring = true;
    child.door->send(Retire{});
  }
}

/// A full process accepts no more and ends with its last session; a fresh one accepts in its place, at once unless
/// there are many already.
void Supervisor::succeed(Child& full) {
  const auto* row = row_of(full.program);
  if (row == nullptr || stopping_ || full.retiring) return;
  full.retiring = true;
  const auto alive = std::ranges::count(children_, full.program, &Child::program);
  if (alive < most_of_a_program) return start_permanent(*row, full.index);
  restart_later(*row, full.index, pause_when_many);
}

bool Supervisor::all_ready() const {
  return std::ranges::all_of(permanent_programs, [this](const ProgramRow& row) {
    const auto serving = std::ranges::count_if(
        children_, [&](const Child& child) { return child.program == row.name && child.ready && !child.retiring; });
    return serving >= static_cast<long>(count_of(row));
  });
}

Child* Supervisor::find(std::uint32_t instance) {
  const auto child = std::ranges::find(children_, instance, &Child::instance);
  return child == children_.end() ? nullptr : &*child;
}

Child* Supervisor::current(std::string_view program) {
  const auto child = std::ranges::find_if(
      children_, [&](const Child& c) { return c.program == program && !c.retiring && c.door->is_open(); });
  return child == children_.end() ? nullptr : &*child;
}

void Supervisor::reap() {
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    const auto child = std::ranges::find(children_, pid, &Child::pid);
    if (child == children_.end()) continue;
    died(*child, status);
    children_.erase(child);
    look_at_stage();
  }
}

void Supervisor::died(Child& child, int status) {
  const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  if (!clean && !stopping_) log::warning("process {} pid {}: {}", child.program, child.pid, describe(status));
  child.door->on_close(nullptr);
  if (on_death_) on_death_(child, status);
  const auto* row = row_of(child.program);
  if (row == nullptr || stopping_ || child.retiring) return;
  restart_later(*row, child.index, pause_after(*row, child));
}

Milliseconds Supervisor::pause_after(const ProgramRow& row, const Child& child) {
  auto& place = places_[{child.program, child.index}];
  const bool quick = monotonic_now() - place.last_start < Seconds{1};
  place.quick_deaths = quick ? place.quick_deaths + 1 : 0;
  if (child.ready && place.quick_deaths < quick_deaths_allowed) return Milliseconds{0};
  const auto longest = row.vital ? longest_vital_pause : longest_pause;
  return std::min(longest, Milliseconds{1000} * (1 << std::min(place.failures++, 6U)));
}

void Supervisor::restart_later(const ProgramRow& row, unsigned index, Milliseconds pause) {
  if (pause.count() > 0) log::warning("{} is started again in {} s", row.name, pause.count() / 1000);
  auto& place = places_[{std::string(row.name), index}];
  if (!place.pause) place.pause = std::make_unique<loop::Timer>(loop_);
  place.pause->start(pause, [this, &row, index] {
    if (!stopping_) start_permanent(row, index);
  });
}

void Supervisor::stop(std::function<void()> done) {
  if (stopping_) return;
  stopping_ = true;
  // First those who take work, so that what they have can still be committed and redeemed; then queued and authd.
  stop_stage(false, [this, done = std::move(done)] { stop_stage(true, done); });
}

bool Supervisor::is_in(const Stage& stage, const Child& child) {
  const auto* row = row_of(child.program);
  return stage.vital || row == nullptr || !row->vital;
}

void Supervisor::stop_stage(bool vital, std::function<void()> then) {
  stage_.emplace(Stage{vital, std::move(then)});
  signal_stage(SIGTERM);
  kill_timer_.start(std::chrono::duration_cast<Milliseconds>(settings_.stop_grace) + kill_margin,
                    [this] { signal_stage(SIGKILL); });
  loop_.post([this] { look_at_stage(); });  // there may be no process in it
}

void Supervisor::signal_stage(int signal) {
  for (const auto& child : children_) {
    if (stage_ && is_in(*stage_, child)) ::kill(child.pid, signal);
  }
}

/// Ends the stage once none of its processes lives.
void Supervisor::look_at_stage() {
  if (!stage_ || std::ranges::any_of(children_, [this](const Child& child) { return is_in(*stage_, child); })) return;
  kill_timer_.stop();
  auto ended = std::exchange(stage_, std::nullopt);
  loop_.post(std::move(ended->then));
}

}  // namespace facteur::master
