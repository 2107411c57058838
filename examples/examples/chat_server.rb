# The room of chat_server.rs in Ruby: ruby chat_server.rb druby://localhost:9000
require 'drb'
require 'drb/unix'
require 'timeout'

class Room
  def initialize
    @names = {}
    @mutex = Mutex.new
  end

  def join(member, name)
    others = @mutex.synchronize do
      raise ArgumentError, "somebody is called #{name} already" if @names.value?(name)

      others = @names.values.sort
      @names[member] = name
      others
    end
    tell('room', "#{name} is here")
    others
  end

  def say(member, text)
    tell(@mutex.synchronize { @names.fetch(member) }, text)
    nil
  end

  def leave(member)
    name = @mutex.synchronize { @names.delete(member) } or raise KeyError, 'you are not in the room'
    tell('room', "#{name} has left")
    nil
  end

  private

  # Who doesn't answer is no member any more.
  def tell(name, text)
    members = @mutex.synchronize { @names.keys }
    calls = members.map do |member|
      Thread.new do
        Timeout.timeout(5) { member.hear(name, text) }
      rescue DRb::DRbConnError, RangeError, Timeout::Error
        @mutex.synchronize { @names.delete(member) }
      end
    end
    calls.each(&:join)
  end
end

DRb.start_service(ARGV.fetch(0), Room.new)
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
