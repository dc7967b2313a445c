#include "world.h"

using namespace facteur;
using namespace facteur::queue;

namespace {

struct Answer {
  std::string text;
  std::size_t files = 0;
  std::optional<master::ControlDone> done;
};

/// What a caller hears.
Answer ask(World& world, const std::string& verb, std::vector<std::string> arguments = {}, bool privileged = true) {
  auto pair = ipc::make_pair();
  world.control.take({verb, std::move(arguments), 1000, privileged, std::move(pair->first)});
  Answer answer;
  ipc::Door door(world.loop, std::move(pair->second), "queued");
  door.on<master::ControlText>([&](const master::ControlText& text) { answer.text += text.text; });
  door.on<master::ControlFile>([&](const master::ControlFile& file) { answer.files += file.file ? 1 : 0; });
  door.on<master::ControlDone>([&](const master::ControlDone& done) { answer.done = done; });
  door.open();
  world.until([&] { return answer.done.has_value(); });
  return answer;
}

}  // namespace

TEST_CASE("the queue is listed, shown, held, released, deleted") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  CHECK(ask(world, "queue list").text == "Mail queue is empty\n");
  world.deferring_accounts = {"alice@minfo.sn"};
  world.core.set_options(patient_options());
  const auto one = world.submit("jim@minfo.sn", {"alice@minfo.sn"});
  const auto two = world.submit("", {"alice@minfo.sn"});
  world.until([&] { return world.core.in_core() == 0 && world.core.waiting() == 2; });

  const auto list = ask(world, "queue list", {}, false);
  CHECK(list.text.find(one) != std::string::npos);
  CHECK(list.text.find("jim@minfo.sn\n") != std::string::npos);
  CHECK(list.text.find("MAILER-DAEMON") != std::string::npos);
  CHECK(list.text.find("(locked)") != std::string::npos);
  CHECK(list.text.find("-- 1 Kbytes in 2 Requests.") != std::string::npos);

  const auto shown = ask(world, "queue show", {one});
  CHECK(shown.text.find("recipient 1: <alice@minfo.sn> waiting: 4.2.0 locked") != std::string::npos);
  CHECK(shown.files == 1);
  CHECK(ask(world, "queue show", {"0123456789ab"}).done->exit_code != 0);
  CHECK(ask(world, "queue show", {"../../etc/passwd"}).done->exit_code != 0);
  CHECK(ask(world, "queue delete", {one}, false).done->exit_code != 0);
  CHECK(ask(world, "queue nonsense").done->exit_code != 0);

  CHECK(ask(world, "queue hold", {one}).done->exit_code == 0);
  world.until([&] { return folder.names("hold") == std::vector{one}; });
  CHECK(ask(world, "queue list").text.find(one + "!") != std::string::npos);
  world.deferring_accounts.clear();
  CHECK(ask(world, "queue release", {one}).done->exit_code == 0);
  world.until([&] { return world.mailboxes["alice@minfo.sn"] == std::vector{one}; });

  CHECK(ask(world, "queue delete", {two}).done->exit_code == 0);
  world.until([&] { return world.log.count(two + ": removed") == 1; });
  CHECK(world.log.count("non-delivery") == 0);
}

TEST_CASE("what was set aside in corrupt/ is listed with a mark, read or not, and can be looked at") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.deferring_accounts = {"alice@minfo.sn"};
  world.core.set_options(patient_options());
  const auto waits = world.submit("jim@minfo.sn", {"alice@minfo.sn"});
  const auto whole = world.submit("bob@minfo.sn", {"alice@minfo.sn"});
  world.until([&] { return world.core.in_core() == 0 && world.core.waiting() == 2; });
  const auto list = [&] { return ask(world, "queue list", {}, false).text; };
  CHECK_FALSE(list().contains('#'));

  std::filesystem::rename(folder.path + "/queue/" + whole, folder.path + "/corrupt/" + whole);
  const auto put = [&](const std::string& name, std::string_view octets) {
    REQUIRE(fs::replace_file(folder.path + "/corrupt/" + name, octets, 0600));
  };
  put("0123456789ab", "no message of ours");
  put("maildrop-x\n", "EHLO x\r\n");
  std::filesystem::create_symlink("/etc/passwd", folder.path + "/corrupt/link");
  std::filesystem::create_directory(folder.path + "/corrupt/folder");
  const auto text = list();
  INFO(text);
  CHECK(text.contains(whole + "#"));
  CHECK(text.contains("bob@minfo.sn\n"));
  CHECK(text.contains("\n0123456789ab#      18 "));
  CHECK(text.contains("\nmaildrop-x\\n#       8 "));
  CHECK(text.contains("  (refused by smtpd: the log says why)\n"));
  CHECK_FALSE(text.contains("link"));
  CHECK_FALSE(text.contains("folder"));
  CHECK(text.ends_with(
      "-- 1 Kbytes in 1 Request.\n-- 3 files in corrupt/ (#): never delivered, kept to be looked at.\n"));
  const auto shown = ask(world, "queue show", {whole});
  CHECK(shown.text.contains("state: set aside in corrupt/\n"));
  CHECK(shown.files == 1);
  CHECK(ask(world, "queue show", {"0123456789ab"}).done->exit_code != 0);

  CHECK(ask(world, "queue delete", {waits}).done->exit_code == 0);
  world.until([&] { return world.log.count(waits + ": removed") == 1; });
  CHECK(list().starts_with("-Queue ID-"));
  CHECK(list().contains("\nMail queue is empty\n-- 3 files"));
}

TEST_CASE("a flush tries what waits, one or all") {
  const SpoolFolder folder;
  World world(folder, patient_options());
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.deferring_accounts = {"alice@minfo.sn"};
  std::vector<std::string> queue_ids;
  for (int i = 0; i < 5; ++i) queue_ids.push_back(world.submit("jim@minfo.sn", {"alice@minfo.sn"}));
  world.until([&] { return world.core.in_core() == 0 && world.core.waiting() == 5; });
  world.deferring_accounts.clear();
  CHECK(ask(world, "queue flush", {queue_ids[2]}).done->exit_code == 0);
  world.until([&] { return world.mailboxes["alice@minfo.sn"] == std::vector{queue_ids[2]}; });
  CHECK(ask(world, "queue flush", {"0123456789ab"}).done->exit_code != 0);
  CHECK(ask(world, "queue flush").done->exit_code == 0);
  world.until([&] { return world.mailboxes["alice@minfo.sn"].size() == 5; });
}

TEST_CASE("what is asked before the spool was read holds for what is found there") {
  const SpoolFolder folder;
  const auto options = patient_options();
  std::vector<std::string> queue_ids;
  {
    World world(folder, options);
    world.core.set_tables(tables());
    world.connect_smtpd();
    world.deferring_accounts = {"alice@minfo.sn"};
    for (int i = 0; i < 40; ++i) queue_ids.push_back(world.submit("jim@minfo.sn", {"alice@minfo.sn"}));
    world.until([&] { return world.core.in_core() == 0 && world.core.waiting() == queue_ids.size(); });
  }
  World world(folder, options);
  world.core.set_tables(tables());
  SECTION("flush") {
    world.core.flush();
    world.until([&] { return world.mailboxes["alice@minfo.sn"].size() == queue_ids.size(); });
  }
  SECTION("flush of one") {
    CHECK(ask(world, "queue flush", {queue_ids[20]}).done->exit_code == 0);
    world.until([&] { return world.mailboxes["alice@minfo.sn"] == std::vector{queue_ids[20]}; });
    CHECK(world.log.count("never finished") == 0);
    CHECK(world.log.count("not used") == 0);  // slots: no line for each
  }
  SECTION("delete") {
    CHECK(ask(world, "queue delete", {queue_ids[20]}).done->exit_code == 0);
    world.until([&] { return world.log.count(queue_ids[20] + ": removed") == 1; });
  }
  SECTION("flush while files are read") {
    world.until([&] { return world.core.waiting() > 0; });
    world.core.flush();
    world.until([&] { return world.mailboxes["alice@minfo.sn"].size() == queue_ids.size(); });
  }
}

TEST_CASE("a message in delivery is deleted when its attempts have ended") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  Deliver kept;
  world.on_deliver = [&](Deliver deliver) { kept = std::move(deliver); };
  world.failing_accounts = {"alice@minfo.sn"};
  const auto queue_id = world.submit("jim@minfo.sn", {"alice@minfo.sn"});
  world.until([&] { return !kept.queue_id.empty(); });
  CHECK(ask(world, "queue delete", {queue_id}).done->exit_code == 0);
  CHECK(world.core.in_core() == 1);
  world.answer_delivery(kept);
  world.until([&] { return world.log.count(queue_id + ": removed") == 1; });
  CHECK(world.log.count("non-delivery") == 0);
}

TEST_CASE("a message over which programs aborted goes to corrupt/, wherever it is") {
  const SpoolFolder folder;
  World world(folder);
  world.core.set_tables(tables());
  world.connect_smtpd();
  world.deferring_accounts = {"alice@minfo.sn"};
  world.core.set_options(patient_options());
  const auto waiting = world.submit("jim@minfo.sn", {"alice@minfo.sn"});
  world.until([&] { return world.core.in_core() == 0 && world.core.waiting() == 1; });
  world.core.condemn(waiting);
  world.until([&] { return folder.names("corrupt") == std::vector{waiting}; });

  // In core, with a delivery that is not answered: once its worker is gone.
  world.on_deliver = [](const Deliver&) {};
  const auto in_core = world.submit("jim@minfo.sn", {"bob@minfo.sn"});
  world.until([&] { return !world.deliveries.empty() && world.deliveries.back() == in_core; });
  world.core.condemn(in_core);
  world.worker->close("aborted");
  world.until([&] { return folder.names("corrupt").size() == 2; });
  CHECK(world.core.in_core() == 0);
  CHECK(world.core.waiting() == 0);
}

TEST_CASE("a message that is condemned before the spool is read is never opened") {
  const SpoolFolder folder;
  std::string queue_id;
  {
    World world(folder);
    world.core.set_tables(tables());
    world.connect_smtpd();
    world.deferring_accounts = {"alice@minfo.sn"};
    queue_id = world.submit("jim@minfo.sn", {"alice@minfo.sn"});
    world.until([&] { return world.core.in_core() == 0; });
  }
  const bool scanned_first = GENERATE(false, true);
  World world(folder);
  if (scanned_first) world.until([&] { return world.core.waiting() > 0; });
  world.core.condemn(queue_id);
  world.core.set_tables(tables());
  world.until([&] { return folder.names("corrupt") == std::vector{queue_id}; });
  world.turn_for(Milliseconds{20});
  CHECK(world.deliveries.empty());
  CHECK(world.log.count(queue_id) == world.log.count(queue_id + ": moved to corrupt/"));
}
