#include "auth/keeper.h"

#include "common/fs/files.h"
#include "common/ipc/message.h"
#include "common/log/log.h"

namespace facteur::auth {

namespace {

constexpr std::size_t max_logged = 20;

std::string lines(const std::vector<std::string>& problems) {
  std::string out;
  for (const auto& problem : problems) out += (out.empty() ? "" : "\n") + problem;
  return out;
}

void log_problems(const std::vector<std::string>& problems) {
  for (std::size_t i = 0; i < problems.size() && i < max_logged; ++i) log::warning("{}", problems[i]);
  if (problems.size() > max_logged) log::warning("and {} more", problems.size() - max_logged);
}

}  // namespace

Keeper::Keeper(loop::Loop& loop, const config::Settings& settings, const Powers& powers, Passwd& passwd)
    : loop_(loop), settings_(settings), powers_(powers), passwd_(passwd), watch_(loop, [this] { reload({}); }) {
}

void Keeper::start() {
  watch_files();  // before the files are read: a change in between is seen
  current_ = compile_what_is_there(settings_, powers_, passwd_);
  octets_ = ipc::to_octets(current_.tables);
  log_problems(current_.problems);
}

void Keeper::watch_files() {
  log_problems(watch_.set(source_files(settings_)));
}

void Keeper::set_settings(const config::Settings& settings) {
  settings_ = settings;
  watch_files();
  reload({});
}

void Keeper::reload(Done done) {
  if (done) (reading_ ? done_again_ : done_now_).push_back(std::move(done));
  if (reading_) {
    again_ = true;
    return;
  }
  read();
}

void Keeper::read() {
  reading_ = true;
  auto result = std::make_shared<Result<Compiled>>(fail(Kind::temporary, "not read"));
  // The job has its own copy: the settings may change meanwhile.
  job_ = loop_.work([result, settings = settings_, powers = powers_, had = current_.files,
                     &passwd = passwd_] { *result = compile(settings, powers, passwd, had); },
                    [this, result] { take(std::move(*result)); });
}

void Keeper::take(Result<Compiled> compiled) {
  std::string problems;
  if (compiled) {
    current_ = std::move(*compiled);
    problems = lines(current_.problems);
    log_problems(current_.problems);
    auto octets = ipc::to_octets(current_.tables);
    const bool others = octets != octets_;
    octets_ = std::move(octets);
    if (others && new_tables_) new_tables_();
  } else {
    problems = "the tables stay as they were: " + compiled.error().text;
    log::warning("{}", problems);
  }
  settle(problems);
}

void Keeper::settle(const std::string& problems) {
  const auto heard = std::exchange(done_now_, std::exchange(done_again_, {}));
  reading_ = false;
  if (std::exchange(again_, false)) read();
  for (const auto& done : heard) done(problems);
  while (!reading_ && !waiting_.empty()) {
    const auto ask = std::move(waiting_.front());
    waiting_.pop_front();
    ask();
  }
}

void Keeper::when_current(std::function<void()> ask) {
  watch_.look();
  if (!reading_ && waiting_.empty()) return ask();
  waiting_.push_back(std::move(ask));
}

Result<Fd> Keeper::sealed() const {
  return fs::sealed_memory("tables", octets_);
}

}  // namespace facteur::auth
