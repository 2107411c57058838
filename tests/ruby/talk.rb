# One side of a conversation that is cut short: talk.rb URI JOURNAL
#
# The same as the role `talk` of the program `peer`; what the methods are for is said there.
require 'drb'
require 'drb/unix'

class Journal
  def initialize(path)
    @path = path
  end

  def note(line)
    File.open(@path, 'a') { |file| file.syswrite("#{line}\n") }
  end

  def step(line, pause)
    note(line)
    return unless line == pause

    gate = "#{@path}.gate"
    2000.times do
      break if File.exist?(gate)

      sleep 0.01
    end
  end
end

class Listener
  include DRbUndumped

  def initialize(journal, pause)
    @journal = journal
    @pause = pause
  end

  def hear(number)
    @journal.step("hear #{number}", @pause)
    @journal.note("heard #{number}")
    number
  end
end

class Talker
  include DRbUndumped

  def initialize(journal)
    @journal = journal
  end

  def converse(callee, how, pause, reply, request)
    listener = Listener.new(@journal, pause)
    payload = 'x' * request
    @journal.note('call')
    result =
      if how == 'block'
        callee.talk_to_block(payload, pause, reply) { |number| listener.hear(number) }
      else
        callee.talk_to(listener, payload, pause, reply)
      end
    "done #{result.bytesize}"
  end

  def talk_to(listener, _payload, pause, reply)
    @journal.step('talk', pause)
    listener.hear(1)
    @journal.step('between', pause)
    listener.hear(2)
    @journal.step('reply', pause)
    'x' * reply
  end

  def talk_to_block(_payload, pause, reply)
    @journal.step('talk', pause)
    yield 1
    @journal.step('between', pause)
    yield 2
    @journal.step('reply', pause)
    'x' * reply
  end
end

DRb.start_service(ARGV.fetch(0), Talker.new(Journal.new(ARGV.fetch(1))))
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
