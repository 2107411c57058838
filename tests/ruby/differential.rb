# Sends random values to an echo server and compares what comes back: differential.rb URI COUNT SEED
#
# A value that is echoed alone has to come back in the very bytes in which it was sent. With `ruby`
# as a fourth argument the server is one of Ruby, which loads a value and dumps it anew; then, and for
# values that come back together, the bytes are compared after Ruby has loaded and dumped both.
require 'drb'
require_relative 'random_values'

uri, count, seed = ARGV[0], ARGV[1].to_i, ARGV[2].to_i
ruby_server = ARGV[3] == 'ruby'

# Keeps the frames of the last call as they crossed.
module Frames
  class << self
    attr_accessor :sent, :received
  end

  # Reads for DRbMessage#load and keeps what it has read.
  class Tee
    attr_reader :bytes

    def initialize(stream)
      @stream = stream
      @bytes = +''.b
    end

    def read(size)
      @stream.read(size).tap { |read| @bytes << read if read }
    end
  end

  def send_request(...)
    Frames.sent, Frames.received = [], []
    super
  end

  def dump(...)
    super.tap { |frame| Frames.sent << frame }
  end

  def load(stream)
    tee = Tee.new(stream)
    super(tee)
  ensure
    Frames.received << tee.bytes
  end

  # Behind the object, the method and the number of arguments; before the block.
  def self.arguments
    sent[3...-1].map { |frame| payload(frame) }
  end

  # Behind whether the call has succeeded.
  def self.result
    payload(received.fetch(1))
  end

  def self.payload(frame)
    frame.byteslice(4..)
  end
end
DRb::DRbMessage.prepend(Frames)

# What Ruby makes of equal values has the same bytes only as long as nothing is swept: of two equal
# strings that are keys Ruby makes one object when it loads them, but for those of which it has met
# the remains of a third one that was about to be swept.
def without_gc
  GC.disable
  yield
ensure
  GC.enable
end

def reload(bytes)
  Marshal.dump(Marshal.load(bytes))
end

server = DRbObject.new_with_uri(uri)
values = RandomValues.new(seed)
number = 0

check = lambda do |value, sent, received|
  number += 1
  next if sent == received

  abort "value #{number} of seed #{seed} came back changed:\n" \
        "  sent     #{sent.unpack1('H*')}\n  received #{received.unpack1('H*')}\n  #{value.inspect}"
end

one_by_one = lambda do |batch|
  batch.each do |value|
    server.echo(value)
    bytes = [Frames.arguments.first, Frames.result]
    bytes = without_gc { bytes.map { |each| reload(each) } } if ruby_server
    check.call(value, *bytes)
  end
end

together = lambda do |batch|
  server.echo_many(*batch)
  sent, back = without_gc do
    [Frames.arguments.map { |each| reload(each) },
     Marshal.load(Frames.result).map { |value| Marshal.dump(value) }]
  end
  abort "#{batch.size} values sent, #{back.size} came back" unless back.size == batch.size
  batch.zip(sent, back) { |value, before, after| check.call(value, before, after) }
end

as_one = lambda do |batch|
  one_by_one.call([batch])
  number += batch.size - 1
end

while number < count
  batch = Array.new([100, count - number].min) { values.value }
  [one_by_one, together, as_one, together, as_one][number / 100 % 5].call(batch)
end
puts number
