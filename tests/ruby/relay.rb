# A process that hands the objects of others on: relay.rb URI NAME
#
# The same as the role `relay` of the program `peer`; what the methods are for is said there.
require 'drb'
require 'drb/unix'

class Thing
  include DRbUndumped

  def initialize
    @hits = []
    @mutex = Mutex.new
  end

  def hit(by)
    @mutex.synchronize { @hits.push(by).size }
  end

  def hits
    @mutex.synchronize { @hits.dup }
  end
end

class Relay
  include DRbUndumped

  attr_reader :thing

  def initialize(name)
    @name = name
    @thing = Thing.new
  end

  def mine?(thing)
    thing.equal?(@thing)
  end

  def offer(via, to)
    via.pass(to, @thing).equal?(@thing)
  end

  def pass(to, thing)
    to.take(thing)
  end

  def take(thing)
    thing.hit(@name)
    @taken = thing
  end

  def again
    @taken.hit(@name)
  end

  def fetch(via, owner)
    @taken = via.relay(owner)
    @taken.hit(@name)
    owner.mine?(@taken)
  end

  def relay(owner)
    owner.thing
  end

  def pass_many(to, things)
    to.take_many(things)
  end

  def take_many(things)
    things.map { |thing| take(thing) }
  end

  def sum_through(via, to)
    seen = []
    sum = via.pass_block(to, 3) do |number|
      seen << number
      number * 10
    end
    seen << sum
  end

  def find_through(via, to)
    via.pass_block(to, 5) do |number|
      break 700 if number == 2

      number
    end
  end

  def fail_through(via, to)
    via.pass_block(to, 5) { |number| number == 2 ? raise('not two') : number }
    'nothing was raised'
  rescue RuntimeError => e
    "#{e.class}: #{e.message}"
  end

  def pass_block(to, count)
    to.repeat(count) { |number| yield number }
  end

  def repeat(count)
    1.upto(count).sum { |number| yield number }
  end
end

DRb.start_service(ARGV.fetch(0), Relay.new(ARGV.fetch(1)))
puts "ready #{DRb.uri}"
$stdout.flush
DRb.thread.join
