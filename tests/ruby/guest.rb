# A guest of a hall: guest.rb URI NAME THREADS CALLS
require 'drb'

class Guest
  include DRbUndumped

  attr_reader :name, :news

  def initialize(name)
    @name = name
    @news = Queue.new
  end

  def hear(news)
    @news << news
    nil
  end
end

$stdout.sync = true
uri, name, threads, calls = ARGV
DRb.start_service('druby://127.0.0.1:0')
hall = DRbObject.new_with_uri(uri)
own = Guest.new(name)
hall.respond_to?(:count)
puts 'ready'
$stdin.gets
counting = Array.new(threads.to_i) { Thread.new { Array.new(calls.to_i) { hall.count }.sum } }
greeting = hall.greet(own)
hall.observe(own)
puts "#{counting.sum(&:value)} #{greeting}"
loop do
  news = own.news.pop
  puts "heard #{news}"
  break if news == 'over'
end
# The answer to the call that has brought it is on its way.
sleep 0.1
